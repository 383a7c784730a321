import { X509Certificate } from 'node:crypto';
import { toyCa, toyLeaf } from '../../support/toy/authority.ts';
import { generateKey } from '../../support/client/csr.ts';
import type { Row } from './row.ts';
import { csrFor, csrKey, identityOf, PODS, type Stand } from './stand.ts';

const NO_CLIENT_CERTIFICATES =
  "a certificate is no proof that its pod still runs: each renewal shows the pod's token, which agent and CA check";

/** A certificate and its key of a CA that nobody trusts. */
function strange(names: { uri?: string; dns?: string[] }): { cert: string; key: string } {
  const life = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
  const { privateKey, publicKey } = generateKey('ec-p256');
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const cert = toyLeaf(toyCa('a stranger', life), spki, names, life);
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

/** Rows 1 to 10: who asks. */
export function authentication(stand: () => Stand): Row[] {
  const a = identityOf(PODS.a);
  const other = identityOf(PODS.c);

  /** A certificate of the mesh, issued on a token, with its key: what a client could show instead of a token. */
  async function held(): Promise<{ cert: string; key: string }> {
    const { chain } = await stand().ask({ as: PODS.a });
    return { cert: chain.slice(0, -1).join(''), key: csrKey().export({ type: 'pkcs8', format: 'pem' }) };
  }

  const refused = { theirs: 'Unauthenticated', ours: 'Unauthenticated' } as const;
  const served = { theirs: 'OK', ours: 'OK' } as const;
  const instead = { theirs: 'OK', ours: 'Unauthenticated', because: NO_CLIENT_CERTIFICATES } as const;
  return [
    { row: 1, name: 'neither token nor certificate', ...refused, ask: () => stand().ask({ as: null }) },
    { row: 2, name: '"bad token"', ...refused, ask: () => stand().ask({ as: 'bad token' }) },
    {
      row: 3,
      name: 'a token that names no identity',
      ...refused,
      ask: () => stand().ask({ as: stand().token(PODS.a, { 'kubernetes.io': undefined }) }),
    },
    {
      row: 4,
      name: 'a good token, a certificate of strangers',
      ...served,
      ask: () => stand().ask({ as: PODS.a, clientCertificate: strange({ uri: a }) }),
    },
    {
      row: 4,
      name: 'a good certificate, a bad token',
      ...instead,
      ask: async () => stand().ask({ as: 'bad token', clientCertificate: await held() }),
    },
    {
      row: 5,
      name: 'the certificate just issued, no token',
      ...instead,
      ask: async () => stand().ask({ as: null, clientCertificate: await held() }),
    },
    {
      row: 6,
      name: 'a certificate of another identity, no token',
      ...refused,
      ask: async () => stand().ask({ as: null, csr: csrFor([other]), clientCertificate: await held() }),
    },
    {
      row: 7,
      name: 'no certificate, token in no known scheme',
      ...refused,
      ask: () => stand().ask({ as: null, headers: { authorization: 'Basic YTpi' } }),
    },
    {
      row: 7,
      name: 'a certificate without an identity, no token',
      ...refused,
      ask: () => stand().ask({ as: null, clientCertificate: strange({ dns: ['a.default.svc'] }) }),
    },
    { row: 8, name: 'the right clusterid', ...served, ask: () => stand().ask({ as: PODS.a }) },
    {
      row: 9,
      name: 'clusterid wrong-cluster-id',
      ...refused,
      ask: () => stand().ask({ as: PODS.a, headers: { clusterid: 'wrong-cluster-id' } }),
    },
    {
      row: 10,
      name: 'an empty clusterid',
      ...served,
      ask: () => stand().ask({ as: PODS.a, headers: { clusterid: '' } }),
    },
  ];
}

/** The subject alternative names of an issued leaf, as Node writes them. */
export const namesOf = (chain: readonly string[]): string => new X509Certificate(chain[0] ?? '').subjectAltName ?? '';
