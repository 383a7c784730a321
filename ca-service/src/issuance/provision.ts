import { equal, fromBase64, toBase64, toHex } from '../../../pki/src/bytes.ts';
import { issuerTemplate, lintLeaf, prepareLeaf, randomSerial, signLeaf } from '../../../pki/src/leaf/prepare.ts';
import { drawLifeSeconds, leafValidity } from '../../../pki/src/lifetimes.ts';
import { ANSWER_KEY_NAME } from '../../../pki/src/profiles.ts';
import { parsePublicKey } from '../../../pki/src/public_key.ts';
import { generateAgreementKey, generateSigningKey } from '../keys/generate.ts';
import type { KeyUse, Vault } from '../keys/vault.ts';
import { fail } from '../objects/outcome.ts';
import type { Certified } from '../objects/rpc.ts';
import type { Intermediate, IntermediatePurpose } from './key_store.ts';

/** Seconds. It signs every answer and is never distributed ahead of time, so it lives a third as long as its issuer. */
const ANSWER_KEY_LIFE = 30 * 86_400;

export interface Provisioning {
  storage: DurableObjectStorage;
  vault: Vault;
  place: Pick<KeyUse, 'instanceId' | 'trustDomain'>;
  /** Asks the trust domain for a certificate. */
  certify: (purpose: IntermediatePurpose, spki: string) => Promise<Certified>;
  now: () => number;
  random: (length: number) => Uint8Array;
}

/** Makes a new intermediate with a fresh key and lets it replace the one that signs now. */
export async function provisionIntermediate(
  { storage, vault, place, certify, now }: Provisioning,
  purpose: IntermediatePurpose,
): Promise<void> {
  const id = `${purpose}-${toHex(crypto.getRandomValues(new Uint8Array(8)))}`;
  const key = await generateSigningKey(vault, { ...place, purpose: `${purpose}-intermediate`, id }, 'P-256');
  const { certificate: text, rootId } = await certify(purpose, toBase64(key.spki));
  const certificate = fromBase64(text);
  const template = issuerTemplate(certificate);
  if (!equal(template.spki, key.spki)) fail('internal', 'the trust domain certified another key than it was asked to');
  storage.transactionSync(() => {
    storage.sql.exec(
      'UPDATE intermediates SET replaced_at = ? WHERE purpose = ? AND replaced_at IS NULL',
      now(),
      purpose,
    );
    storage.sql.exec(
      'INSERT INTO intermediates VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)',
      id,
      purpose,
      rootId,
      certificate,
      key.wrapped,
      template.notBefore,
      template.notAfter,
      now(),
    );
  });
}

/** Makes the key that workloads' tokens are sealed to, and lets it replace the one before. */
export async function provisionEvidenceKey({ storage, vault, place, now }: Provisioning): Promise<void> {
  const id = `evidence-${toHex(crypto.getRandomValues(new Uint8Array(8)))}`;
  const key = await generateAgreementKey(vault, { ...place, purpose: 'evidence', id });
  replaceServiceKey(storage, now(), [id, 'evidence', key.spki, key.wrapped, null, null, null]);
}

/** Makes the key that signs answers, certified by the serving intermediate for a name that nothing else can certify. */
export async function provisionAnswerKey(
  { storage, vault, place, now, random }: Provisioning,
  issuer: Intermediate,
): Promise<void> {
  const id = `answer-${toHex(crypto.getRandomValues(new Uint8Array(8)))}`;
  const key = await generateSigningKey(vault, { ...place, purpose: 'answer', id }, 'P-256');
  const at = now();
  const lifeSeconds = drawLifeSeconds(ANSWER_KEY_LIFE, random);
  const prepared = prepareLeaf({
    profile: 'answer',
    dnsNames: [ANSWER_KEY_NAME],
    publicKey: parsePublicKey(key.spki),
    spki: key.spki,
    ...leafValidity({ now: at, ttlSeconds: ANSWER_KEY_LIFE, lifeSeconds, issuer: issuer.template }),
    serial: randomSerial(random),
    issuer: issuer.template,
  });
  const certificate = await signLeaf(lintLeaf(prepared, at), issuer.signer);
  replaceServiceKey(storage, now(), [id, 'answer', key.spki, key.wrapped, certificate, issuer.id, prepared.notAfter]);
}

type ServiceKeyColumns = readonly [
  id: string,
  purpose: 'answer' | 'evidence',
  spki: Uint8Array,
  wrapped: Uint8Array,
  certificate: Uint8Array | null,
  issuer: string | null,
  notAfter: number | null,
];

function replaceServiceKey(storage: DurableObjectStorage, now: number, columns: ServiceKeyColumns): void {
  storage.transactionSync(() => {
    storage.sql.exec(
      'UPDATE service_keys SET replaced_at = ? WHERE purpose = ? AND replaced_at IS NULL',
      now,
      columns[1],
    );
    storage.sql.exec('INSERT INTO service_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)', ...columns, now);
  });
}
