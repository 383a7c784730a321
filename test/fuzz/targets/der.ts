import { fromBER } from 'asn1js';
import { decodeOid } from '../../../pki/src/der/oid.ts';
import { DerReader } from '../../../pki/src/der/reader.ts';
import { TAG } from '../../../pki/src/der/tags.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { bits, der } from '../../support/der.ts';
import { mutateDer } from '../mutate_der.ts';
import type { Target } from '../target.ts';
import { certificates, csrs, publicKeys } from './samples.ts';

/** Everything that the reader gives a meaning to, by tag, written again by an encoder that shares no code with it. */
function rewrite(reader: DerReader): Uint8Array {
  const parts: Uint8Array[] = [];
  while (!reader.done) {
    const tag = reader.peek();
    if (tag === TAG.boolean) parts.push(der(tag, Uint8Array.of(reader.boolean() ? 0xff : 0)));
    else if (tag === TAG.integer) parts.push(der(tag, reader.integer()));
    else if (tag === TAG.bitString) parts.push(bits(reader.octetAlignedBits()));
    else if (tag === TAG.oid) {
      const content = reader.content(tag);
      decodeOid(content);
      parts.push(der(tag, content));
    } else if (tag === TAG.sequence || tag === TAG.set || (tag & 0xe0) === 0xa0) {
      parts.push(der(tag, rewrite(reader.enter(tag))));
    } else if (tag === TAG.octetString || (tag & 0xe0) === 0x80) parts.push(der(tag, reader.content(tag)));
    else throw new PkiError('der-tag', 'a tag whose content this reader only hands on');
  }
  return Buffer.concat(parts);
}

const oneElement = (input: Uint8Array): boolean => {
  const { offset, result } = fromBER(input);
  return offset === input.length && result.error === '';
};

/** The reader of DER, held to asn1js (which @peculiar/x509 reads with), and to writing again what it read. */
export const derTarget: Target = {
  name: 'der',
  seeds: () => [...csrs(), ...certificates(), ...publicKeys()],
  mutate: mutateDer,
  parse(input) {
    const outer = DerReader.of(input);
    outer.anyElement();
    outer.end('the input');
    return rewrite(DerReader.of(input));
  },
  isRefusal: (error): error is Error => error instanceof PkiError,
  compare(input, rewritten) {
    if (!Buffer.from(rewritten as Uint8Array).equals(input)) return 'what was read is written differently';
    const { offset, result } = fromBER(input);
    if (result.error !== '') return `asn1js refuses it: ${result.error}`;
    return offset === input.length ? null : `asn1js reads ${offset} of ${input.length} bytes`;
  },
  othersAccept: oneElement,
  compareOneIn: 32,
};
