import { webSigner } from '../../../pki/src/crypto/web.ts';
import type { Signer } from '../../../pki/src/crypto/port.ts';
import { issuerTemplate, type IssuerTemplate } from '../../../pki/src/leaf/prepare.ts';
import { thumbprint } from '../client/agent_key.ts';
import { importAgreementKey, importSigningKey } from '../keys/generate.ts';
import type { KeyUse, Vault } from '../keys/vault.ts';
import { fail } from '../objects/outcome.ts';
import { jwkOfSpki, sha256 } from './jwk.ts';

export type IntermediatePurpose = 'svid' | 'serving';

/** An intermediate that signs. */
export interface Intermediate {
  id: string;
  purpose: IntermediatePurpose;
  template: IssuerTemplate;
  signer: Signer;
}

/** An intermediate that agents may still meet in a chain. */
interface KnownIntermediate {
  id: string;
  purpose: IntermediatePurpose;
  certificate: Uint8Array;
  /** ms since 1970 */
  notAfter: number;
  current: boolean;
}

export interface AnswerKey {
  /** RFC 7638 thumbprint */
  keyid: string;
  certificate: Uint8Array;
  /** id of the serving intermediate that certified it */
  issuer: string;
  notAfter: number;
  privateKey: CryptoKey;
}

interface EvidenceKey {
  kid: string;
  jwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string };
  privateJwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string; d: string };
}

/** Everything a cluster signs with, opened. */
export interface IssuerKeys {
  svid: Intermediate | null;
  serving: Intermediate | null;
  answer: AnswerKey | null;
  evidence: EvidenceKey | null;
  known: KnownIntermediate[];
}

export const NO_KEYS: IssuerKeys = { svid: null, serving: null, answer: null, evidence: null, known: [] };

type IntermediateRow = {
  id: string;
  purpose: string;
  certificate: ArrayBuffer;
  wrapped_key: ArrayBuffer;
  not_after: number;
  replaced_at: number | null;
};

type ServiceKeyRow = {
  id: string;
  purpose: string;
  public_key: ArrayBuffer;
  wrapped_key: ArrayBuffer;
  certificate: ArrayBuffer | null;
  issuer: string | null;
  not_after: number | null;
};

/** Opens the stored keys of a cluster. Fails `kek-mismatch` when one does not open: then nothing is signed with any. */
export async function loadKeys(
  sql: SqlStorage,
  vault: Vault,
  place: Pick<KeyUse, 'instanceId' | 'trustDomain'>,
  now: number,
): Promise<IssuerKeys> {
  const open = async (purpose: KeyUse['purpose'], id: string, wrapped: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>> =>
    (await vault.open({ ...place, purpose, id }, new Uint8Array(wrapped))) ??
    fail('kek-mismatch', `the ${purpose} key ${id} does not open under the KEK`);
  const rows = sql
    .exec<IntermediateRow>('SELECT * FROM intermediates WHERE not_after > ? ORDER BY created_at DESC', now)
    .toArray();
  const keys: IssuerKeys = {
    ...NO_KEYS,
    known: rows.map(({ id, purpose, certificate, not_after, replaced_at }) => ({
      id,
      purpose: purpose as IntermediatePurpose,
      certificate: new Uint8Array(certificate),
      notAfter: not_after,
      current: replaced_at === null,
    })),
  };
  for (const { id, purpose, certificate, wrapped_key, replaced_at } of rows) {
    if (replaced_at !== null || (purpose !== 'svid' && purpose !== 'serving')) continue;
    const template = issuerTemplate(new Uint8Array(certificate));
    const privateKey = await importSigningKey(await open(`${purpose}-intermediate`, id, wrapped_key), 'P-256');
    keys[purpose] = { id, purpose, template, signer: webSigner(privateKey, template.spki) };
  }
  for (const row of sql.exec<ServiceKeyRow>('SELECT * FROM service_keys WHERE replaced_at IS NULL').toArray()) {
    const pkcs8 = await open(row.purpose as 'answer' | 'evidence', row.id, row.wrapped_key);
    const jwk = jwkOfSpki(new Uint8Array(row.public_key));
    if (row.purpose === 'answer' && row.certificate !== null) {
      keys.answer = {
        keyid: await thumbprint({ sha256 }, jwk),
        certificate: new Uint8Array(row.certificate),
        issuer: row.issuer ?? '',
        notAfter: row.not_after ?? 0,
        privateKey: await importSigningKey(pkcs8, 'P-256'),
      };
    }
    if (row.purpose === 'evidence') {
      const exported = await crypto.subtle.exportKey('jwk', await importAgreementKey(pkcs8));
      const { d = '' } = exported as JsonWebKey;
      keys.evidence = { kid: await thumbprint({ sha256 }, jwk), jwk, privateJwk: { ...jwk, d } };
    }
  }
  return keys;
}
