import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { CaError, valueOf } from '../errors.ts';
import type { Objects } from '../lookup/objects.ts';
import type { Authenticated } from '../objects/rpc.ts';
import { hashApiToken, isApiToken } from './api_token.ts';
import { bearerOf } from './bearer.ts';

/**
 * Who holds the API token of a request. Asked of the directory each time, so that a revoked token is dead at once; what
 * does not have the form of a token never gets there.
 */
export async function authenticateAdmin(
  crypto: Pick<CryptoPort, 'sha256'>,
  objects: Objects,
  request: Request,
): Promise<Authenticated> {
  const token = bearerOf(request.headers.get('authorization'));
  if (token === null || !isApiToken(token)) {
    throw new CaError('unauthenticated', 'expected authorization: Bearer and an API token');
  }
  return valueOf(await objects.directory().authenticate(await hashApiToken(crypto, token)));
}
