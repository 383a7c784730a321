import { runInDurableObject, evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { trustDomain, valueOf } from '../support/deployment.ts';
import { decoded, issueRequest, pack } from '../support/requests.ts';

describe('an issuance', () => {
  it('is answered with a certificate and recorded in current, live and history', async () => {
    const domain = await trustDomain();
    const { issuer, stub } = await domain.enrol();
    const snapshot = valueOf(await issuer.snapshot());
    const answer = decoded(await issuer.issue(pack(await issueRequest(snapshot, [{}, { serviceAccount: 'reviews' }]))));
    expect(answer.status).toBe(200);
    expect(answer.json['items']).toMatchObject([{ status: 'issued' }, { status: 'issued' }]);
    const rows = await runInDurableObject(stub, (_, { storage }) => ({
      current: storage.sql.exec('SELECT * FROM current').toArray().length,
      history: storage.sql.exec('SELECT SUM(count) AS n FROM history').one()['n'],
    }));
    expect(rows).toEqual({ current: 2, history: 2 });
    await evictDurableObject(stub);
    expect(valueOf(await issuer.certificates({})).rows).toHaveLength(2);
  });
});
