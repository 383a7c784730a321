import { describe, expect, it } from 'vitest';
import {
  parseAnswerSignature,
  parseRequestSignature,
  requestSignatureBase,
  signAnswer,
  signRequest,
  verifyAnswer,
  verifyRequest,
} from '../../ca-service/src/client/message_signature.ts';
import { answerParams, request, requestParams, signatureKey } from './support.ts';

const key = await signatureKey();
const signed = await signRequest(request, requestParams, key.sign);
const input = signed['signature-input'];
const parsed = parseRequestSignature(input, signed.signature);

describe('a request that was altered is refused', () => {
  it.each([
    ['its method', { ...request, method: 'PUT' }],
    ['its target', { ...request, targetUri: request.targetUri.replace('/prod/', '/test/') }],
    ['the host of its target', { ...request, targetUri: request.targetUri.replace('example.com', 'example.org') }],
    ['its digest', { ...request, contentDigest: 'sha-256=:AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:' }],
    ['its token', { ...request, authorization: 'Bearer aaa.bbb.ddd' }],
  ])('%s', async (_, message) => {
    await expect(verifyRequest(message, parsed, key.verify)).rejects.toMatchObject({ code: 'signature-mismatch' });
  });

  it.each([
    ['its time', { ...requestParams, created: requestParams.created + 1 }],
    ['its nonce', { ...requestParams, nonce: requestParams.nonce.replace('bootboot', 'bootbooT') }],
    ['its key id', { ...requestParams, keyid: requestParams.keyid.replace('N', 'M') }],
  ])('%s', async (_, params) => {
    await expect(verifyRequest(request, { ...parsed, params }, key.verify)).rejects.toMatchObject({
      code: 'signature-mismatch',
    });
  });

  it('its signature, in any byte', async () => {
    for (let index = 0; index < 64; index++) {
      const signature = parsed.signature.slice();
      signature[index] = (signature[index] ?? 0) ^ 1;
      await expect(verifyRequest(request, { ...parsed, signature }, key.verify)).rejects.toMatchObject({
        code: 'signature-mismatch',
      });
    }
  });

  it('its key', async () => {
    const other = await signatureKey();
    await expect(verifyRequest(request, parsed, other.verify)).rejects.toMatchObject({ code: 'signature-mismatch' });
  });
});

describe('signature-input of another profile is refused', () => {
  it.each([
    ['a missing one', null],
    ['an empty one', ''],
    ['no structured field', 'sig=('],
    ['an item instead of a list', 'sig=1'],
    ['another label', input.replace('sig=', 'sig1=')],
    ['a second signature', `${input}, ${input.replace('sig=', 'sig2=')}`],
    ['the label twice', `${input}, ${input}`],
    ['another algorithm', input.replace('ecdsa-p256-sha256', 'hmac-sha256')],
    ['another tag', input.replace('ambient-ca-agent', 'ambient-ca-answer')],
    ['no tag', input.replace(';tag="ambient-ca-agent"', '')],
    ['no alg', input.replace(';alg="ecdsa-p256-sha256"', '')],
    ['no created', input.replace(/;created=\d+/, '')],
    ['a created that is text', input.replace(/created=(\d+)/, 'created="$1"')],
    ['a created that is a fraction', input.replace(/created=(\d+)/, 'created=$1.5')],
    ['a created with leading zeros', input.replace('created=', 'created=0')],
    ['a negative created', input.replace('created=', 'created=-')],
    ['no nonce', input.replace(/;nonce="[^"]+"/, '')],
    ['a nonce without a boot', input.replace('"bootboot.', '".')],
    ['a nonce of fewer bits', input.replace(/(nonce="bootboot\.[^"]+).";keyid/, '$1";keyid')],
    ['no keyid', input.replace(/;keyid="[^"]+"/, '')],
    ['a keyid that is no thumbprint', input.replace(/keyid="[^"]+"/, 'keyid="key-1"')],
    ['an expires', `${input};expires=1900000000`],
    ['parameters in another order', input.replace(/;(created=\d+);(nonce="[^"]+")/, ';$2;$1')],
    ['a parameter twice', input.replace(';alg=', ';created=1;alg=')],
    ['components in another order', input.replace('"@method" "@target-uri"', '"@target-uri" "@method"')],
    ['a component fewer', input.replace(' "authorization"', '')],
    ['a component more', input.replace('"authorization"', '"authorization" "host"')],
    ['a component twice', input.replace('"authorization"', '"authorization" "authorization"')],
    ['a component with a parameter', input.replace('"authorization"', '"authorization";sf')],
    ['white space more', input.replace('" "', '"  "')],
    ['a very long one', `${input};x="${'a'.repeat(2_000)}"`],
  ])('%s', (_, field) => {
    expect(() => parseRequestSignature(field, signed.signature)).toThrow(
      expect.objectContaining({ code: 'signature-malformed' }),
    );
  });
});

describe('a signature field of another form is refused', () => {
  const base64 = signed.signatureText;
  it.each([
    ['a missing one', null],
    ['another label', signed.signature.replace('sig=', 'sig1=')],
    ['two signatures', `${signed.signature}, ${signed.signature}`],
    ['no byte sequence', `sig="${base64}"`],
    ['a shorter one', `sig=:${base64.slice(4)}:`],
    ['parameters', `${signed.signature};a`],
    ['stray bits', `sig=:${base64.slice(0, 85)}${base64[85] === 'B' ? 'C' : 'B'}==:`],
  ])('%s', (_, field) => {
    expect(() => parseRequestSignature(input, field)).toThrow(expect.objectContaining({ code: 'signature-malformed' }));
  });
});

it('a line break in a component is refused, as it could begin another component', () => {
  const message = { ...request, authorization: 'Bearer a\n"@method": GET' };
  expect(() => requestSignatureBase(message, requestParams)).toThrow(
    expect.objectContaining({ code: 'signature-malformed' }),
  );
});

describe('an answer that was altered is refused', async () => {
  const answer = { status: 200, contentDigest: request.contentDigest, requestSignature: signed.signatureText };
  const fields = await signAnswer(answer, answerParams, key.sign);
  const answered = parseAnswerSignature(fields['signature-input'], fields.signature);

  it.each([
    ['its status', { ...answer, status: 201 }],
    ['its digest', { ...answer, contentDigest: 'sha-256=:AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:' }],
    ['the request it answers', { ...answer, requestSignature: `AA${signed.signatureText.slice(2)}` }],
  ])('%s', async (_, message) => {
    await expect(verifyAnswer(message, answered, key.verify)).rejects.toMatchObject({ code: 'signature-mismatch' });
  });

  it('its time', async () => {
    const params = { ...answerParams, created: 1 };
    await expect(verifyAnswer(answer, { ...answered, params }, key.verify)).rejects.toMatchObject({
      code: 'signature-mismatch',
    });
  });

  it('a request is no answer, and an answer no request', () => {
    expect(() => parseAnswerSignature(input, signed.signature)).toThrow();
    expect(() => parseRequestSignature(fields['signature-input'], fields.signature)).toThrow();
  });
});
