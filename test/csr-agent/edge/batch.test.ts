import { expect, it } from 'vitest';
import { decodeBatchRequest, encodeBatchRequest } from '../../../ca-service/src/client/protocol.ts';
import { buildBatch } from '../../../csr-agent/src/edge/batch.ts';
import type { SealedTokens } from '../../../csr-agent/src/edge/sealed_tokens.ts';
import type { Waiting } from '../../../csr-agent/src/edge/waiting.ts';
import { Skew } from '../../../csr-agent/src/skew.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import { csrFor } from '../support/edge.ts';

const pod = { namespace: 'n', name: 'p', uid: '00000000-0000-4000-8000-000000000001', serviceAccount: 's', node: 'w' };

function waiting(ttlSeconds: number, csr = 'AAAA'): Waiting {
  const request = {
    requestId: '00000000-0000-4000-8000-000000000002',
    caller: { token: 't', tokenHash: 'A'.repeat(43), namespace: 'n', serviceAccount: 's', pod, expiresAt: 0 },
    target: pod,
    impersonated: false,
    identityText: 'spiffe://td/ns/n/sa/s',
    ttlSeconds,
    receivedAt: 0,
  };
  return { request, csr } as unknown as Waiting;
}

async function travelled(one: Waiting) {
  const { request } = await buildBatch([one], {
    bundleVersion: 1,
    evidenceKey: { kid: 'k', jwk: { kty: 'EC', crv: 'P-256', x: '', y: '' } },
    tokens: { toSend: () => undefined } as unknown as SealedTokens,
    skew: new Skew(),
  });
  return decodeBatchRequest(encodeBatchRequest(request)).items;
}

/** DER of two octets of length. */
const long = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag, 0x82, content.length >> 8, content.length & 0xff), content]);
};

/** As long as asked for, by its signature, which the agent does not verify. */
function paddedCsr(size: number): Buffer {
  const { info } = csrFor('spiffe://td/ns/n/sa/s');
  const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex');
  const rest = 4 + info.length + algorithm.length + 4 + 1;
  return long(0x30, info, algorithm, long(0x03, Buffer.of(0), Buffer.alloc(size - rest, 1)));
}

it('takes the longest CSR that parses, so that none refuses the batch it is in', async () => {
  const longest = paddedCsr(6_144);
  expect(parseCsr(longest).der).toHaveLength(6_144);
  expect(await travelled(waiting(1, longest.toString('base64')))).toHaveLength(1);
  expect(() => parseCsr(paddedCsr(6_145))).toThrow();
});

it.each([2 ** 63, -(2 ** 63), 86_400])('asks for a life of %d seconds in a form that the wire takes', async (ttl) => {
  const [item] = await travelled(waiting(ttl));
  expect(Math.sign(item?.ttl ?? 0)).toBe(Math.sign(ttl));
});
