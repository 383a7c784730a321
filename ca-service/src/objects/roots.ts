import { authorityCommonName } from '../../../pki/src/authority/name.ts';
import { createCrossCertificate } from '../../../pki/src/authority/cross.ts';
import { createIntermediate } from '../../../pki/src/authority/intermediate.ts';
import { createRoot } from '../../../pki/src/authority/root.ts';
import { toBase64, toHex } from '../../../pki/src/bytes.ts';
import { authorityValidity } from '../../../pki/src/lifetimes.ts';
import { generateSigningKey, importSigningKey, type EcCurve } from '../keys/generate.ts';
import type { KeyUse, Vault } from '../keys/vault.ts';
import { fail } from './outcome.ts';
import type { BundleDocument, Certified, RootInfo } from './rpc.ts';

const CURVES: Readonly<Record<RootInfo['keyType'], EcCurve>> = { 'ec-p256': 'P-256', 'ec-p384': 'P-384' };

type Row = {
  id: string;
  name: string;
  key_type: string;
  state: string;
  fingerprint: string;
  certificate: ArrayBuffer;
  wrapped_key: ArrayBuffer | null;
  not_before: number;
  not_after: number;
  created_at: number;
};

type Place = Pick<KeyUse, 'instanceId' | 'trustDomain'>;

/** A root that is made and not stored yet, with what makes those trust it who know only the active one. */
export interface NewRoot {
  info: RootInfo;
  certificate: Uint8Array;
  wrapped: Uint8Array;
  cross: { issuerRoot: string; certificate: Uint8Array; notAfter: number } | null;
}

/** The roots of a trust domain and their keys. The first one signs; a later one is trusted first and signs when told to. */
export class Roots {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Generates a root and, beside an active one, the cross-certificate that the active one gives it. Stores nothing. */
  async make(
    vault: Vault,
    place: Place,
    { keyType, name }: { keyType: RootInfo['keyType']; name: string | undefined },
    now: number,
  ): Promise<NewRoot> {
    const id = toHex(crypto.getRandomValues(new Uint8Array(8)));
    const key = await generateSigningKey(vault, { ...place, purpose: 'root', id }, CURVES[keyType]);
    const validity = authorityValidity('root', now);
    const certificate = await createRoot({
      privateKey: key.privateKey,
      spki: key.spki,
      commonName: authorityCommonName(place.trustDomain, 'root', id),
      ...validity,
    });
    const active = this.#active();
    const fingerprint = await fingerprintOf(certificate);
    return {
      info: {
        id,
        name: name ?? id,
        keyType,
        state: active === null ? 'active' : 'trusted',
        fingerprint,
        certificate: toBase64(certificate),
        ...validity,
        createdAt: now,
      },
      certificate,
      wrapped: key.wrapped,
      cross: active === null ? null : await this.#cross(vault, place, active, certificate, validity.notAfter, now),
    };
  }

  /** To be called in the transaction that raises the bundle version. */
  insert({ info, certificate, wrapped, cross }: NewRoot): void {
    this.#sql.exec(
      'INSERT INTO roots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      info.id,
      info.name,
      info.keyType,
      info.state,
      info.fingerprint,
      certificate,
      wrapped,
      info.notBefore,
      info.notAfter,
      info.createdAt,
    );
    if (cross === null) return;
    this.#sql.exec(
      'INSERT INTO cross_certificates VALUES (?, ?, ?, ?, ?)',
      info.id,
      cross.issuerRoot,
      cross.certificate,
      cross.notAfter,
      info.createdAt,
    );
  }

  /** Active first, then in order of age. */
  list(): RootInfo[] {
    return this.#sql
      .exec<Row>(`SELECT * FROM roots ORDER BY state = 'active' DESC, created_at, id`)
      .toArray()
      .map(rootInfo);
  }

  /** What is distributed: every root, and the cross-certificates by which one vouches for another. */
  bundle(): Pick<BundleDocument, 'roots' | 'crossCertificates'> {
    return {
      roots: this.list().map(({ certificate }) => certificate),
      crossCertificates: this.#sql
        .exec<{ certificate: ArrayBuffer }>(
          'SELECT certificate FROM cross_certificates ORDER BY created_at, subject_root',
        )
        .toArray()
        .map(({ certificate }) => toBase64(new Uint8Array(certificate))),
    };
  }

  hasActive(): boolean {
    return this.#active() !== null;
  }

  /** Certifies an intermediate's key by the active root. */
  async certify(
    vault: Vault,
    place: Place,
    { cluster, purpose, spki }: { cluster: string; purpose: 'svid' | 'serving'; spki: Uint8Array },
    now: number,
  ): Promise<Certified & { der: Uint8Array }> {
    const active = this.#active() ?? fail('no-root', `the trust domain ${place.trustDomain} has no root`);
    const validity = authorityValidity(purpose, now, active.not_after);
    const id = toHex(crypto.getRandomValues(new Uint8Array(8)));
    const der = await createIntermediate({
      profile: purpose,
      subjectSpki: spki,
      commonName: authorityCommonName(`${place.trustDomain.slice(0, 24)} ${cluster.slice(0, 12)}`.trim(), purpose, id),
      issuer: { certificate: new Uint8Array(active.certificate), signingKey: await this.#open(vault, place, active) },
      ...validity,
    });
    return { der, certificate: toBase64(der), rootId: active.id, ...validity };
  }

  #active(): Row | null {
    return this.#sql.exec<Row>(`SELECT * FROM roots WHERE state = 'active'`).toArray()[0] ?? null;
  }

  async #cross(
    vault: Vault,
    place: Place,
    active: Row,
    newer: Uint8Array,
    newerEnd: number,
    now: number,
  ): Promise<NewRoot['cross']> {
    const certificate = await createCrossCertificate({
      newer,
      older: { certificate: new Uint8Array(active.certificate), signingKey: await this.#open(vault, place, active) },
      now,
    });
    return { issuerRoot: active.id, certificate, notAfter: Math.min(active.not_after, newerEnd) };
  }

  async #open(vault: Vault, place: Place, { id, key_type, wrapped_key }: Row): Promise<CryptoKey> {
    const use: KeyUse = { ...place, purpose: 'root', id };
    const pkcs8 = wrapped_key === null ? null : await vault.open(use, new Uint8Array(wrapped_key));
    if (pkcs8 === null) fail('kek-mismatch', `the key of the root ${id} does not open under the KEK`);
    return importSigningKey(pkcs8, CURVES[key_type as RootInfo['keyType']]);
  }
}

/** Hex SHA-256 of a certificate: what an operator pins. */
export async function fingerprintOf(der: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(der))));
}

function rootInfo(row: Row): RootInfo {
  return {
    id: row.id,
    name: row.name,
    keyType: row.key_type as RootInfo['keyType'],
    state: row.state as RootInfo['state'],
    fingerprint: row.fingerprint,
    certificate: toBase64(new Uint8Array(row.certificate)),
    notBefore: row.not_before,
    notAfter: row.not_after,
    createdAt: row.created_at,
  };
}
