import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, equal } from '../../../pki/src/bytes.ts';
import { generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { buildCsr } from '../../../pki/src/csr/build.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import { verifyPossession } from '../../../pki/src/csr/possession.ts';
import { encodeOid } from '../../../pki/src/der/oid.ts';
import { namedBits, sequence } from '../../../pki/src/der/writer.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { csrOf, extension, extensionRequest, identity, key, OID, san, uri } from './samples.ts';

const crypto = nodeCrypto();

/** Anything but a refusal with a reason is thrown on. */
function outcome(der: Uint8Array): 'refused' | 'unproven' | 'proven' {
  try {
    return verifyPossession(crypto, parseCsr(der)) === true ? 'proven' : 'unproven';
  } catch (error) {
    if (error instanceof PkiError) return 'refused';
    throw error;
  }
}

const clients = [
  {
    claim: 'ztunnel: P-256, critical SAN, empty subject',
    type: 'ec-p256',
    emptyOrganization: false,
    sanCritical: true,
  },
  { claim: 'ztunnel before 1.27: SAN not critical', type: 'ec-p256', emptyOrganization: false, sanCritical: false },
  { claim: 'pilot-agent: RSA-2048, O=""', type: 'rsa-2048', emptyOrganization: true, sanCritical: true },
  { claim: 'pilot-agent with ECC: P-256, O=""', type: 'ec-p256', emptyOrganization: true, sanCritical: true },
  { claim: 'pilot-agent with ECC: P-384, O=""', type: 'ec-p384', emptyOrganization: true, sanCritical: true },
  { claim: 'RSA-4096', type: 'rsa-4096', emptyOrganization: true, sanCritical: true },
] as const;

describe('parseCsr', () => {
  it.each(clients)('reads what a client sends: $claim', async ({ type, emptyOrganization, sanCritical }) => {
    const signer = generateNodeKey(type);
    const csr = parseCsr(await buildCsr({ signer, identity, emptyOrganization, sanCritical }));
    expect(csr.requestedIdentity).toBe(identity);
    expect(csr.subjectEmpty).toBe(!emptyOrganization);
    expect(equal(csr.spki, signer.spki)).toBe(true);
    expect(csr.signatureAlgorithm).toBe(signer.algorithm);
    expect(verifyPossession(crypto, csr)).toBe(true);
  });

  it('reads a CSR that names no identity', async () => {
    expect(parseCsr(await buildCsr({ signer: key, identity: null })).requestedIdentity).toBeNull();
  });

  it('lets pass what repeats the leaf profile', () => {
    const csr = csrOf({
      attributes: [
        extensionRequest(
          extension(OID.keyUsage, namedBits(0b101), true),
          extension(OID.extendedKeyUsage, sequence(encodeOid('1.3.6.1.5.5.7.3.1'), encodeOid('1.3.6.1.5.5.7.3.2'))),
          extension(OID.basicConstraints, sequence(), true),
          san(uri(identity)),
        ),
      ],
    });
    expect(parseCsr(csr).requestedIdentity).toBe(identity);
  });

  it('a CSR cut at any byte is refused with a reason', () => {
    const der = csrOf();
    for (let length = 0; length < der.length; length++) {
      expect(() => parseCsr(der.subarray(0, length)), `cut at ${length}`).toThrow(PkiError);
    }
  });

  it('whatever one byte becomes, a CSR is refused or proves nothing', () => {
    const der = csrOf();
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const altered = Uint8Array.from(der);
        altered[at] = (altered[at] ?? 0) ^ flip;
        expect(outcome(altered)).not.toBe('proven');
      }),
      { numRuns: 2000 },
    );
  });

  it('random bytes never do anything but fail with a reason', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(outcome(concat(Uint8Array.of(0x30), bytes))).toBe('refused');
      }),
      { numRuns: 2000 },
    );
  });
});
