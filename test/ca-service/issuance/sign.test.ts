import { describe, expect, it } from 'vitest';
import { webCrypto, webSigner } from '../../../pki/src/crypto/web.ts';
import type { Signer } from '../../../pki/src/crypto/port.ts';
import { issuerTemplate, lintLeaf, prepareLeaf, randomSerial } from '../../../pki/src/leaf/prepare.ts';
import type { Decision } from '../../../ca-service/src/issuance/decide.ts';
import type { Intermediate } from '../../../ca-service/src/issuance/key_store.ts';
import { signRecorded } from '../../../ca-service/src/issuance/sign.ts';
import { createIntermediate } from '../../../pki/src/authority/intermediate.ts';
import { createRoot } from '../../../pki/src/authority/root.ts';
import { authorityValidity } from '../../../pki/src/lifetimes.ts';
import { publicKey } from '../support/requests.ts';

const port = webCrypto();

async function signingKey(): Promise<{ privateKey: CryptoKey; spki: Uint8Array }> {
  const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', pair.publicKey)) as ArrayBuffer);
  return { privateKey: pair.privateKey, spki };
}

async function intermediate(change: (signer: Signer) => Signer = (signer) => signer): Promise<Intermediate> {
  const root = await signingKey();
  const key = await signingKey();
  const certificate = await createRoot({ ...root, commonName: 'root', ...authorityValidity('root', Date.now()) });
  const der = await createIntermediate({
    profile: 'svid',
    subjectSpki: key.spki,
    commonName: 'svid',
    issuer: { certificate, signingKey: root.privateKey },
    ...authorityValidity('svid', Date.now()),
  });
  const signer = change(webSigner(key.privateKey, key.spki));
  return { id: 'svid-1', purpose: 'svid', template: issuerTemplate(der), signer };
}

async function decision(issuer: Intermediate, id: string): Promise<Decision> {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const spki = await publicKey();
  const serial = randomSerial((length) => port.random(length));
  const notAfter = now + 3_600_000;
  const uri = 'spiffe://example.org/ns/a/sa/b';
  const linted = lintLeaf(
    prepareLeaf({
      profile: 'svid',
      uri,
      publicKey: { kind: 'ec', curve: 'P-256' },
      spki,
      notBefore: now - 60_000,
      notAfter,
      serial,
      issuer: issuer.template,
    }),
    now,
  );
  const issuance = { serial, identity: uri, podUid: 'p', node: 'n', notAfter, level: 'token', requestId: id } as const;
  return { id, status: 'sign', linted, issuance };
}

describe('signing what was recorded', () => {
  it('answers a certificate for each, in order, and passes verdicts through', async () => {
    const issuer = await intermediate();
    const wait = { id: 'w', status: 'wait', retryAfterMs: 5 } as const;
    const failed = { id: 'f', status: 'failed', retryAfterMs: 7, reason: 'lint-refused: x' } as const;
    const signed = await signRecorded([await decision(issuer, 'a'), wait, failed, await decision(issuer, 'b')], issuer);
    expect(signed).toMatchObject([
      { answer: { id: 'a', status: 'issued', issuer: 'svid-1' }, failure: null },
      { answer: wait, failure: null },
      { answer: { id: 'f', status: 'wait', retryAfterMs: 7 }, failure: 'lint-refused: x' },
      { answer: { id: 'b', status: 'issued' } },
    ]);
  });

  it('makes one whose signature fails wait, and issues the others', async () => {
    let calls = 0;
    const issuer = await intermediate((signer) => ({
      algorithm: signer.algorithm,
      spki: signer.spki,
      sign(data) {
        calls += 1;
        return calls === 2 ? Promise.reject(new Error('the key is gone')) : signer.sign(data);
      },
    }));
    const decisions = [await decision(issuer, 'a'), await decision(issuer, 'b'), await decision(issuer, 'c')];
    const signed = await signRecorded(decisions, issuer);
    expect(signed.map(({ answer }) => answer.status)).toEqual(['issued', 'wait', 'issued']);
    expect(signed[1]?.failure).toContain('the key is gone');
  });

  it('never signs one decision twice', async () => {
    const issuer = await intermediate();
    const only = await decision(issuer, 'a');
    const signed = await signRecorded([only, only], issuer);
    expect(signed.map(({ answer }) => answer.status)).toEqual(['issued', 'wait']);
  });
});
