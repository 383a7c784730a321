import { expect, it } from 'vitest';
import { warmUp } from '../../../csr-agent/src/edge/warm_up.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';

it('every round of the warm-up verifies its certificate and makes a reply of it', () => {
  expect(warmUp(nodeCrypto(), 5)).toBe(5);
});
