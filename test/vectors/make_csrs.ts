/*
 * Writes the CSR vectors that are missing: `node test/vectors/make_csrs.ts`. Keys are drawn anew, so a file that was deleted
 * comes back with other bytes; what it stands for stays. The accepted ones are encoded by the test client, which shares no code with pki.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePem } from '../../pki/src/pem.ts';
import { refusals } from '../pki/csr/refused.ts';
import { csrOf } from '../pki/csr/samples.ts';
import { buildCsr, type CsrShape } from '../support/client/csr.ts';

const identity = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';
const clients: Record<string, Omit<CsrShape, 'identity'>> = {
  'ztunnel-1.27': { key: 'ec-p256', emptyOrganization: false, sanCritical: true },
  'ztunnel-1.26': { key: 'ec-p256', emptyOrganization: false, sanCritical: false },
  'pilot-agent-rsa-2048': { key: 'rsa-2048', emptyOrganization: true, sanCritical: true },
  'pilot-agent-ecdsa-p256': { key: 'ec-p256', emptyOrganization: true, sanCritical: true },
  'pilot-agent-ecdsa-p384': { key: 'ec-p384', emptyOrganization: true, sanCritical: true },
};

const folder = join(import.meta.dirname, 'csr');
const slug = (claim: string): string =>
  claim
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

for (const kind of ['accepted', 'refused']) mkdirSync(join(folder, kind), { recursive: true });

function keep(kind: string, name: string, text: () => string): void {
  const file = join(folder, kind, `${name}.pem`);
  if (!existsSync(file)) writeFileSync(file, text());
}

for (const [client, shape] of Object.entries(clients)) {
  keep('accepted', client, () => buildCsr({ ...shape, identity }).pem);
}
for (const [claim, parts, code] of refusals) {
  keep('refused', slug(claim), () => `# ${claim}: ${code}\n${encodePem('CERTIFICATE REQUEST', csrOf(parts))}`);
}
