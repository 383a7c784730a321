import { podToken, type Pod } from '../../support/token.ts';
import { Channel, CREATE_CERTIFICATE } from '../../support/wire/channel.ts';
import { decodeResponse, encodeRequest } from '../../support/wire/protobuf.ts';
import { PODS as FRONT_PODS, SERVER_NAME, startFront, tokenIssuer } from '../../csr-agent/front.ts';
import { namesOf } from './authentication.ts';
import { outcomeOf, type Outcome, type Row } from './row.ts';
import { csrFor, identityOf, PODS, type Stand } from './stand.ts';

/** That the certificate is this pod's. @throws Error naming whose it is */
const signs = (pod: Pod) => (chain: readonly string[]) => {
  if (namesOf(chain) !== `URI:${identityOf(pod)}`) throw new Error(`names ${namesOf(chain)}, not ${identityOf(pod)}`);
};

/** Rows 26 to 36: who may ask for whom. */
export function impersonation(stand: () => Stand): Row[] {
  const { ztunnel, a, b, c } = PODS;
  const ask = (
    of: Pod | string,
    as: Pod | string = ztunnel,
    csr?: string,
    headers?: Record<string, string>,
  ): Promise<Outcome> => {
    const impersonate = typeof of === 'string' ? of : identityOf(of);
    return stand().ask({ as, impersonate, ...(csr !== undefined && { csr }), ...(headers && { headers }) });
  };
  const refused = { theirs: 'Unauthenticated', ours: 'Unauthenticated' } as const;
  const served = { theirs: 'OK', ours: 'OK' } as const;
  const gone = { ...ztunnel, name: 'ztunnel-gone', uid: 'uid-gone' };
  return [
    { row: 26, name: 'a pod on the node of the ztunnel', ...served, ask: () => ask(c), check: signs(c) },
    { row: 27, name: 'one that also runs elsewhere', ...served, ask: () => ask(a), check: signs(a) },
    { row: 28, name: 'by a caller that is not trusted with it', ...refused, ask: () => ask(c, a) },
    { row: 29, name: '"spiffe://invalid"', ...refused, ask: () => ask('spiffe://invalid') },
    { row: 30, name: 'a pod on another node only', ...refused, ask: () => ask(b) },
    { row: 31, name: 'by a ztunnel that no pod is', ...refused, ask: () => ask(a, gone) },
    {
      row: 32,
      name: 'by a ztunnel whose pod has another UID',
      ...refused,
      ask: () => ask(a, { ...ztunnel, uid: 'uid-old' }),
    },
    {
      row: 33,
      name: 'by a token whose pod has another service account',
      ...refused,
      ask: () => ask(c, { ...ztunnel, name: a.name, uid: a.uid }),
    },
    {
      row: 34,
      name: 'with a CSR of the ztunnel’s own identity',
      theirs: 'Unauthenticated',
      ours: 'InvalidArgument',
      ask: () => ask(a, ztunnel, csrFor([identityOf(ztunnel)])),
    },
    { row: 35, name: 'where nobody is trusted with it', ...refused, ask: untrusting },
    {
      row: 36,
      name: 'by a ztunnel of another cluster',
      ...refused,
      ask: () => ask(a, ztunnel, undefined, { clusterid: 'other' }),
    },
    {
      row: 36,
      name: 'by one of the right cluster',
      ...served,
      ask: () => ask(a, ztunnel, undefined, { clusterid: stand().dev.info.clusterId }),
      check: signs(a),
    },
  ];
}

/** An agent that was told of no trusted account. */
async function untrusting(): Promise<Outcome> {
  const front = await startFront({ trustedNodeAccounts: [] });
  const channel = new Channel({ host: '127.0.0.1', port: front.port, serverName: SERVER_NAME, roots: front.roots });
  try {
    const target = identityOf({ namespace: 'bookinfo', serviceAccount: 'productpage' });
    const headers = { authorization: `Bearer ${podToken(tokenIssuer, FRONT_PODS.ztunnelA)}` };
    const message = encodeRequest({
      csr: csrFor([target]),
      validityDuration: 3600,
      metadata: { ImpersonatedIdentity: target },
    });
    return await outcomeOf(channel.unary(CREATE_CERTIFICATE, headers, message).then(decodeResponse));
  } finally {
    channel.close();
    await front.server.drain(0);
  }
}
