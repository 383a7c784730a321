import type { Policy } from './schema.ts';

/**
 * The policy of a cluster that was enrolled without one. The rates let a cold start of a thousand nodes through
 * (a storm only waits, it is not refused) and stop one caller from taking the whole signer: a ztunnel has at most
 * eight requests in flight, so a burst of 2 000 covers the identities of any node.
 */
export const defaultPolicy: Policy = {
  version: 1,
  keyTypes: ['ec-p256', 'ec-p384', 'rsa'],
  minimumRsaBits: 2048,
  limits: { cluster: { rate: 10_000, burst: 50_000 }, caller: { rate: 500, burst: 2_000 } },
  rules: [],
};
