import { toHex } from '../../../pki/src/bytes.ts';

/** DER of the attribute type commonName, 2.5.4.3. */
const COMMON_NAME = '0603550403';

/** The common name in a DER Name, for people; '' without one. Nothing is decided by it. */
export function readCommonName(name: Uint8Array): string {
  const at = toHex(name).indexOf(COMMON_NAME) / 2 + COMMON_NAME.length / 2;
  const length = name[at + 1];
  if (at % 1 !== 0 || length === undefined || length > 0x7f) return '';
  return new TextDecoder().decode(name.subarray(at + 2, at + 2 + length));
}
