import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../ca-service/src/config.ts';
import { BOOTSTRAP_TOKEN, CA_URL, failed, fakeApp, NOW, ok } from '../support/fakes.ts';

async function bootstrap(made: ReturnType<typeof fakeApp>, token: string | null, body = '{"tokenName":"first"}') {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (token !== null) headers['authorization'] = `Bearer ${token}`;
  const answer = await made.app.fetch(new Request(`${CA_URL}/v1/bootstrap`, { method: 'POST', headers, body }));
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

describe('bootstrap', () => {
  it('answers the first token, and gives the directory its hash only', async () => {
    const made = fakeApp({ bootstrap: () => ok({ instanceId: 'i-1' }) });
    const { status, json } = await bootstrap(made, BOOTSTRAP_TOKEN);
    expect(status).toBe(201);
    expect(json).toEqual({ instanceId: 'i-1', token: expect.stringMatching(/^aca_/) });
    expect(made.objects.asked).toEqual([
      {
        object: 'directory',
        method: 'bootstrap',
        args: [
          {
            tokenId: (json['token'] as string).split('_')[1],
            tokenName: 'first',
            tokenHash: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
            expiresAt: NOW + 90 * 86_400_000,
          },
        ],
      },
    ]);
  });

  it.each([
    ['without the token', null],
    ['with another token', 'c'.repeat(43)],
    ['with a token that begins right', BOOTSTRAP_TOKEN.slice(1)],
    ['with a token that goes on', `${BOOTSTRAP_TOKEN}b`],
    ['with two tokens', `${BOOTSTRAP_TOKEN}, ${BOOTSTRAP_TOKEN}`],
  ])('%s is refused and asks nobody', async (_, token) => {
    const made = fakeApp();
    expect((await bootstrap(made, token)).status).toBe(401);
    expect(made.objects.asked).toEqual([]);
  });

  it('is refused where no bootstrap token is set, whatever is sent', async () => {
    for (const token of [null, 'undefined', 'null', BOOTSTRAP_TOKEN]) {
      const made = fakeApp({}, parseConfig({ CA_URL, ENVIRONMENT: 'production' }));
      expect((await bootstrap(made, token)).status).toBe(401);
    }
  });

  it('a second time is a conflict', async () => {
    const made = fakeApp({ bootstrap: () => failed('already-bootstrapped') });
    expect(await bootstrap(made, BOOTSTRAP_TOKEN)).toMatchObject({
      status: 409,
      json: { code: 'already-bootstrapped' },
    });
  });

  it.each(['', '{}', '{"tokenName":""}', '{"tokenName":"a","role":"admin"}', '[]'])(
    'with the body %j is refused',
    async (body) => {
      const made = fakeApp();
      expect((await bootstrap(made, BOOTSTRAP_TOKEN, body)).status).toBe(400);
      expect(made.objects.asked).toEqual([]);
    },
  );
});
