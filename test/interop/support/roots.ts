import { readFileSync } from 'node:fs';
import type { Dev } from '../../support/dev.ts';

/** Makes another root in the trust domain, trusted and not signing yet. @returns hexadecimal SHA-256 of its DER */
export async function addRoot({ info }: Dev): Promise<string> {
  const token = readFileSync(info.ca.adminTokenFile, 'utf8').trim();
  const answer = await fetch(`${info.ca.url}/v1/trust-domains/${info.trustDomain}/roots`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ keyType: 'ec-p256' }),
  });
  if (answer.status !== 201) throw new Error(`POST roots: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { fingerprint: string }).fingerprint;
}
