import { createPrivateKey, createPublicKey } from 'node:crypto';
import * as z from 'zod';
import { decodePem, encodePem } from '../../../pki/src/pem.ts';
import type { ServingMaterial } from './certificate.ts';

export const SERVING_FILE = 'serving.json';

const form = z.strictObject({
  version: z.literal(1),
  /** PKCS#8 PEM */
  key: z.string(),
  /** PEM: the leaf, its issuer, cross-certificates */
  chain: z.string(),
});

const MAX_CHAIN = 8;

export function writeStored({ pkcs8, leaf, intermediates }: ServingMaterial): string {
  const chain = [leaf, ...intermediates].map((der) => encodePem('CERTIFICATE', der)).join('');
  return `${JSON.stringify({ version: 1, key: encodePem('PRIVATE KEY', pkcs8), chain })}\n`;
}

/** @throws Error for anything but what `writeStored` wrote */
export function readStored(text: string): ServingMaterial {
  const { key, chain } = form.parse(JSON.parse(text));
  const [pkcs8] = decodePem(key, 'PRIVATE KEY');
  const [leaf, ...intermediates] = decodePem(chain, 'CERTIFICATE', { maxBlocks: MAX_CHAIN });
  if (pkcs8 === undefined || leaf === undefined) throw new Error('it is empty');
  const spki = createPublicKey(createPrivateKey(key)).export({ format: 'der', type: 'spki' });
  return { pkcs8, spki: new Uint8Array(spki), leaf, intermediates };
}
