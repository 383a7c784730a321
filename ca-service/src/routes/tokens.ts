import { newApiToken } from '../auth/api_token.ts';
import { valueOf } from '../errors.ts';
import { addAdminRoute } from './admin_route.ts';
import type { Router } from './router.ts';
import { newToken, rows, token, tokenInput } from './schemas.ts';

export function addTokenRoutes(router: Router): void {
  addAdminRoute(router, 'GET /v1/tokens', {
    summary: 'API tokens, without their secrets',
    status: 200,
    answer: rows(token),
    handle: async ({ services: { objects } }) => ({ rows: valueOf(await objects.directory().listTokens()) }),
  });

  addAdminRoute(router, 'POST /v1/tokens', {
    summary: 'Make an API token; its secret is answered this once',
    body: tokenInput,
    status: 201,
    answer: newToken,
    handle: async ({ body, who, idempotencyKey, services: { objects, crypto, clock } }) => {
      const { name, role, trustDomains, ttlSeconds } = body;
      const made = await newApiToken(crypto);
      const info = valueOf(
        await objects.directory().createToken(
          who.actor,
          {
            id: made.id,
            name,
            tokenHash: made.hash,
            role,
            trustDomains,
            expiresAt: clock() + ttlSeconds * 1000,
          },
          idempotencyKey,
        ),
      );
      return { ...info, token: made.token };
    },
  });

  addAdminRoute(router, 'POST /v1/tokens/:token/revoke', {
    summary: 'Revoke an API token, at once',
    status: 200,
    answer: token,
    handle: async ({ params, who, services: { objects } }) =>
      valueOf(await objects.directory().revokeToken(who.actor, params.token)),
  });
}
