import { expect, it } from 'vitest';
import { decodeBatchRequest, encodeBatchRequest } from '../../../ca-service/src/client/protocol.ts';
import { buildBatch } from '../../../csr-agent/src/edge/batch.ts';
import type { SealedTokens } from '../../../csr-agent/src/edge/sealed_tokens.ts';
import type { Waiting } from '../../../csr-agent/src/edge/waiting.ts';
import { Skew } from '../../../csr-agent/src/skew.ts';

const pod = { namespace: 'n', name: 'p', uid: '00000000-0000-4000-8000-000000000001', serviceAccount: 's', node: 'w' };

function waiting(ttlSeconds: number): Waiting {
  const request = {
    requestId: '00000000-0000-4000-8000-000000000002',
    caller: { token: 't', tokenHash: 'A'.repeat(43), namespace: 'n', serviceAccount: 's', pod, expiresAt: 0 },
    target: pod,
    impersonated: false,
    identityText: 'spiffe://td/ns/n/sa/s',
    ttlSeconds,
    receivedAt: 0,
  };
  return { request, csr: 'AAAA' } as unknown as Waiting;
}

it.each([2 ** 63, -(2 ** 63), 86_400])('asks for a life of %d seconds in a form that the wire takes', async (ttl) => {
  const { request } = await buildBatch([waiting(ttl)], {
    bundleVersion: 1,
    evidenceKey: { kid: 'k', jwk: { kty: 'EC', crv: 'P-256', x: '', y: '' } },
    tokens: { toSend: () => undefined } as unknown as SealedTokens,
    skew: new Skew(),
  });
  const [item] = decodeBatchRequest(encodeBatchRequest(request)).items;
  expect(Math.sign(item?.ttl ?? 0)).toBe(Math.sign(ttl));
});
