import { exportJWK, generateKeyPair } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { sealToken, type EvidencePrivateKey } from '../../../ca-service/src/client/sealed_token.ts';
import { CallerTokens } from '../../../ca-service/src/evidence/callers.ts';
import type { ClusterView } from '../../../ca-service/src/lookup/clusters.ts';
import { toBase64Url, utf8 } from '../../../pki/src/bytes.ts';
import { webCrypto } from '../../../pki/src/crypto/web.ts';

const crypto = webCrypto();
const pod = { namespace: 'a', name: 'a-1', uid: 'uid-1', serviceAccount: 'a' };

async function evidenceKey(kid: string): Promise<EvidencePrivateKey> {
  const { privateKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true });
  const { x = '', y = '', d = '' } = await exportJWK(privateKey);
  return { kid, privateJwk: { kty: 'EC', crv: 'P-256', x, y, d } };
}

const publicHalf = ({ kid, privateJwk: { x, y } }: EvidencePrivateKey) =>
  ({ kid, jwk: { kty: 'EC', crv: 'P-256', x, y } }) as const;
const hashOf = async (token: string) => toBase64Url(await crypto.sha256(utf8(token)));

let own: EvidencePrivateKey;
let former: EvidencePrivateKey;
let cluster: ClusterView;
beforeAll(async () => {
  own = await evidenceKey('own');
  former = await evidenceKey('former');
  cluster = { objectId: 'o', snapshot: { epoch: 1, evidence: own } } as unknown as ClusterView;
});

describe('evidence of a caller', () => {
  it('a token that is only named by its hash has to be sent', async () => {
    const caller = { tokenHash: await hashOf('a.b.c'), pod, node: 'n' };
    expect(await new CallerTokens(crypto).evidence(caller, cluster)).toBe('token-needed');
  });

  it('a token that does not open is asked for again: who sealed it is at fault, not the caller', async () => {
    const sealedToFormer = await sealToken('a.b.c', publicHalf(former));
    const spoilt = `${(await sealToken('a.b.c', publicHalf(own))).slice(0, -4)}AAAA`;
    for (const token of [sealedToFormer, spoilt]) {
      const caller = { tokenHash: await hashOf('a.b.c'), token, pod, node: 'n' };
      expect(await new CallerTokens(crypto).evidence(caller, cluster)).toBe('token-needed');
    }
  });

  it('a token that opens but is another than the hash says is refused', async () => {
    const token = await sealToken('a.b.c', publicHalf(own));
    const caller = { tokenHash: await hashOf('x.y.z'), token, pod, node: 'n' };
    expect(await new CallerTokens(crypto).evidence(caller, cluster)).toMatchObject({ code: 'token-invalid' });
  });
});
