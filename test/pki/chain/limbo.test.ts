import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';

/** The vectors of C2SP/x509-limbo, which are not part of this repository. */
const folder = process.env['AMBIENT_CA_VECTORS'] ?? resolve(import.meta.dirname, '../../../../shared/vectors');
const file = join(folder, 'x509-limbo/limbo.json');

interface Case {
  readonly id: string;
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly peer_certificate: string;
  readonly untrusted_intermediates: string[];
  readonly trusted_certs: string[];
  readonly validation_time: string | null;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
}

const cases: Case[] = existsSync(file)
  ? (JSON.parse(readFileSync(file, 'utf8')) as { testcases: Case[] }).testcases
  : [];

/** What we do not look at: whose name the peer has, revocation, a depth given by the caller. */
const outOfScope = [/^webpki::(cn|san)::/, /^crl::/, /^pathlen::max-chain-depth-/, /^webpki::malformed-aia$/];

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

const inScope = cases.filter(({ id }) => !outOfScope.some((pattern) => pattern.test(id)));

describe.skipIf(cases.length === 0)(
  `x509-limbo${cases.length === 0 ? ' (skipped: the vectors are not here)' : ''}`,
  () => {
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
      expect(refused.sort()).toEqual(Object.keys(refusedByUs).sort());
      expect(accepted.sort()).toEqual(Object.keys(acceptedByUs).sort());
    });

    it('the vectors are whole', () => {
      expect(inScope.length).toBeGreaterThan(140);
    });
  },
);
