import { describe, expect, it } from 'vitest';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { printTable } from '../../support/print_table.ts';
import { readVectors, whyNot } from '../../support/public_vectors.ts';

interface Case {
  readonly id: string;
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly peer_certificate: string;
  readonly untrusted_intermediates: string[];
  readonly trusted_certs: string[];
  readonly validation_time: string | null;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
}

const vectors = readVectors('x509-limbo/limbo.json') as { testcases: Case[] } | null;
const cases = vectors?.testcases ?? [];

/** What does not apply to a verification of chains, and why. */
const notApplicable: readonly [pattern: RegExp, why: string][] = [
  [/^webpki::(cn|san)::/, 'whose DNS name the peer has: in a mesh it has a SPIFFE ID, compared by who asks'],
  [/^crl::/, 'revocation: chains are short-lived, and no consumer here reads CRLs'],
  [/^pathlen::max-chain-depth-/, 'a depth that the caller gives: ours is fixed'],
  [/^webpki::malformed-aia$/, 'AIA: nothing is fetched, so nothing is read'],
];

/** Where we are stricter than the vectors, and why. */
const refusedByUs: Record<string, string> = {
  'pathlen::validation-ignores-pathlen-in-leaf': 'webpki refuses a CA as a leaf',
  'rfc5280::ca-as-leaf': 'webpki refuses a CA as a leaf',
  'pathlen::self-issued-certs-pathlen': 'webpki counts CAs that issued themselves',
  'rfc5280::nc::permitted-self-issued': 'webpki holds them against name constraints, too',
  'rfc5280::nc::permitted-dn-match': 'ztunnel refuses every directoryName constraint',
  'rfc5280::nc::nc-forbids-othername-noop': 'Go refuses a critical otherName constraint',
  'rfc5280::validity::notafter-fractional': 'Go and Node end a certificate with its last second',
};

/** Where we are more lenient: none of it makes a consumer of a mesh refuse, or trust, anything. */
const acceptedByUs: Record<string, string> = {
  'pathological::nc-dos-3': 'it is cheap for us',
  'rfc5280::aki::leaf-missing-aki': 'the CA lints it, no consumer demands it',
  'rfc5280::aki::intermediate-missing-aki': 'imported CAs lack it',
  'rfc5280::aki::cross-signed-root-missing-aki': 'imported CAs lack it',
  'rfc5280::ski::root-missing-ski': 'imported CAs lack it',
  'rfc5280::ski::intermediate-missing-ski': 'imported CAs lack it',
  'rfc5280::root-non-critical-basic-constraints': 'imported CAs have it so',
  'rfc5280::nc::permitted-dns-match-noncritical': 'evaluated, critical or not',
  'rfc5280::nc::invalid-dnsname-leading-period': 'read as "only names below", as Go does',
  'rfc5280::nc::nc-permits-invalid-email-san': 'no mesh certificate names a mailbox, and the lints refuse one',
  'rfc5280::pc::ica-noncritical-pc': 'policies mean nothing in a mesh',
  'rfc5280::san::underscore-dns': 'who the peer is, is not decided here',
  'rfc5280::san::ip-in-dns': 'who the peer is, is not decided here',
  'rfc5280::serial::zero': 'imported CAs have it; ours are linted',
  'webpki::aki::root-with-aki-missing-keyidentifier': 'the AKI of a root refers to nothing',
  'webpki::aki::root-with-aki-authoritycertissuer': 'the AKI of a root refers to nothing',
  'webpki::aki::root-with-aki-authoritycertserialnumber': 'the AKI of a root refers to nothing',
  'webpki::aki::root-with-aki-all-fields': 'the AKI of a root refers to nothing',
  'webpki::aki::root-with-aki-ski-mismatch': 'the AKI of a root refers to nothing',
  'webpki::eku::ee-anyeku': 'both purposes are named beside it',
  'webpki::eku::ee-critical-eku': 'every consumer knows the extension',
  'webpki::eku::ee-without-eku': 'no restriction, as all consumers have it',
  'webpki::eku::root-has-eku': 'the purpose is allowed by it',
  'webpki::forbidden-rsa-not-divisible-by-8-in-root': 'a rule of browsers',
  'webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf': 'a rule of browsers',
};

const der = (pem: string): Uint8Array =>
  Uint8Array.from(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'));

const inScope = cases.filter(({ id }) => !notApplicable.some(([pattern]) => pattern.test(id)));

describe.skipIf(cases.length === 0)(`x509-limbo${whyNot(vectors)}`, () => {
  it('every case ends as the vectors say, but for the differences that are listed with their reason', () => {
    const refused: string[] = [];
    const accepted: string[] = [];
    for (const each of inScope) {
      const result = verifyChain({
        crypto: nodeCrypto(),
        leaf: der(each.peer_certificate),
        intermediates: each.untrusted_intermediates.map(der),
        roots: each.trusted_certs.map(der),
        now: each.validation_time === null ? Date.UTC(2026, 0, 1) : Date.parse(each.validation_time),
        purpose: each.validation_kind === 'SERVER' ? 'server' : 'client',
      });
      if (result.ok && each.expected_result === 'FAILURE') accepted.push(each.id);
      if (!result.ok && each.expected_result === 'SUCCESS') refused.push(each.id);
    }
    printTable('x509-limbo', [
      { cases: inScope.length - refused.length - accepted.length, decided: 'as the vectors say' },
      ...notApplicable.map(([pattern, why]) => ({
        cases: cases.filter(({ id }) => pattern.test(id)).length,
        decided: `not applicable: ${why}`,
      })),
      ...refused.map((id) => ({ cases: 1, decided: `stricter: ${id}: ${refusedByUs[id] ?? 'WRONG'}` })),
      ...accepted.map((id) => ({ cases: 1, decided: `more lenient: ${id}: ${acceptedByUs[id] ?? 'WRONG'}` })),
    ]);
    expect(refused.sort()).toEqual(Object.keys(refusedByUs).sort());
    expect(accepted.sort()).toEqual(Object.keys(acceptedByUs).sort());
  });

  it('the vectors are whole, and each reason not to apply one is needed', () => {
    expect(inScope.length).toBeGreaterThan(140);
    for (const [pattern] of notApplicable)
      expect(
        cases.some(({ id }) => pattern.test(id)),
        String(pattern),
      ).toBe(true);
  });
});
