import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerSignatureBase,
  bootOf,
  formatNonce,
  NO_BOOT,
  parseAnswerSignature,
  parseRequestSignature,
  requestSignatureBase,
  signAnswer,
  signRequest,
  verifyAnswer,
  verifyRequest,
} from '../../ca-service/src/client/message_signature.ts';
import { fromUtf8, toBase64Url } from '../../pki/src/bytes.ts';
import { answerParams, request, requestParams, signatureKey } from './support.ts';

const key = await signatureKey();
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe('a signed request', () => {
  it('verifies with the parameters that were signed', async () => {
    const signed = await signRequest(request, requestParams, key.sign);
    const parsed = parseRequestSignature(signed['signature-input'], signed.signature);
    expect(parsed.params).toEqual(requestParams);
    expect(parsed.signatureText).toBe(signed.signatureText);
    await expect(verifyRequest(request, parsed, key.verify)).resolves.toBeUndefined();
  });

  it('has the signature base of RFC 9421 §2.5', () => {
    expect(fromUtf8(requestSignatureBase(request, requestParams))).toBe(
      [
        '"@method": POST',
        '"@target-uri": https://ca.example.com/v1/trust-domains/cluster.local/clusters/prod/certificates',
        '"content-digest": sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
        '"authorization": Bearer aaa.bbb.ccc',
        '"@signature-params": ("@method" "@target-uri" "content-digest" "authorization");created=1800000000;' +
          `nonce="${requestParams.nonce}";keyid="${requestParams.keyid}";alg="ecdsa-p256-sha256";tag="ambient-ca-agent"`,
      ].join('\n'),
    );
  });

  it('of node:crypto in its ieee-p1363 form is the same kind of signature', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const privateKey = createPrivateKey({
      key: Buffer.from(await crypto.subtle.exportKey('pkcs8', pair.privateKey)),
      format: 'der',
      type: 'pkcs8',
    });
    const dsaEncoding = 'ieee-p1363';
    const signed = await signRequest(request, requestParams, (base) =>
      sign('sha256', base, { key: privateKey, dsaEncoding }),
    );
    const parsed = parseRequestSignature(signed['signature-input'], signed.signature);
    const checked = verifyRequest(request, parsed, (base, signature) =>
      verify('sha256', base, { key: createPublicKey(privateKey), dsaEncoding }, signature),
    );
    await expect(checked).resolves.toBeUndefined();
  });

  it('reads back whatever time, nonce and key id were signed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(4_000_000_000), bytes(6), bytes(16), bytes(32), async (created, boot, random, keyid) => {
        const params = {
          created,
          nonce: formatNonce(toBase64Url(boot), random),
          keyid: toBase64Url(keyid),
        };
        const signed = await signRequest(request, params, key.sign);
        expect(parseRequestSignature(signed['signature-input'], signed.signature).params).toEqual(params);
        expect(bootOf(params.nonce)).toBe(toBase64Url(boot));
      }),
      { numRuns: 50 },
    );
  });

  it('of an agent that knows no boot yet says none', () => {
    expect(bootOf(formatNonce(NO_BOOT, new Uint8Array(16)))).toBe('none');
  });
});

describe('a signed answer', () => {
  const answer = { status: 200, contentDigest: request.contentDigest, requestSignature: 'c2ln' };

  it('verifies with the parameters that were signed', async () => {
    const signed = await signAnswer(answer, answerParams, key.sign);
    const parsed = parseAnswerSignature(signed['signature-input'], signed.signature);
    expect(parsed.params).toEqual(answerParams);
    await expect(verifyAnswer(answer, parsed, key.verify)).resolves.toBeUndefined();
  });

  it('covers status, digest and the signature of the request (RFC 9421 §2.4)', () => {
    expect(fromUtf8(answerSignatureBase(answer, answerParams))).toBe(
      [
        '"@status": 200',
        `"content-digest": ${request.contentDigest}`,
        '"signature";req;key="sig": :c2ln:',
        '"@signature-params": ("@status" "content-digest" "signature";req;key="sig");created=1800000001;' +
          `keyid="${answerParams.keyid}";alg="ecdsa-p256-sha256";tag="ambient-ca-answer"`,
      ].join('\n'),
    );
  });
});
