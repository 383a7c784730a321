import { newApiToken } from '../auth/api_token.ts';
import { bearerOf } from '../auth/bearer.ts';
import { secretsEqual } from '../auth/constant_time.ts';
import { CaError, valueOf } from '../errors.ts';
import { jsonAnswer } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import { faultsOf, parseJson } from './admin_route.ts';
import type { Router } from './router.ts';
import { bootstrapAnswer, bootstrapInput } from './schemas.ts';

const MAX_BODY = 4_096;
/** ms. The first admin's token; long enough to make others, short enough that somebody notices it ends. */
const TOKEN_LIFE = 90 * 86_400_000;

/** The first admin of a deployment, by its bootstrap token. The directory sees to it that this happens once. */
export function addBootstrapRoute(router: Router): void {
  router.add(
    'POST /v1/bootstrap',
    {
      summary: 'Make the first admin token, once in the life of a deployment',
      body: bootstrapInput,
      status: 201,
      answer: bootstrapAnswer,
    },
    async ({ request, services: { config, crypto, objects, names, clock } }) => {
      const presented = bearerOf(request.headers.get('authorization'));
      const expected = config.bootstrapToken;
      if (expected === null || presented === null || !(await secretsEqual(crypto, presented, expected))) {
        throw new CaError('unauthenticated', 'expected the BOOTSTRAP_TOKEN of the deployment', {
          fix: 'ambient-ca bootstrap --bootstrap-token-file FILE --out FILE',
        });
      }
      const parsed = bootstrapInput.safeParse(parseJson(await readBody(request, MAX_BODY)));
      if (!parsed.success) {
        throw new CaError('invalid', 'the body has faults', { extra: { faults: faultsOf(parsed.error) } });
      }
      const made = await newApiToken(crypto);
      const { instanceId } = valueOf(
        await objects.directory().bootstrap({
          tokenId: made.id,
          tokenName: parsed.data.tokenName,
          tokenHash: made.hash,
          expiresAt: clock() + TOKEN_LIFE,
        }),
      );
      names.forget();
      return jsonAnswer(201, { instanceId, token: made.token });
    },
  );
}
