import type { CaFailure } from '../objects/rpc.ts';
import { parseKekRing, type Kek, type KekRing } from './kek.ts';

/** What a wrapped key is for. It is authenticated with the key, so a wrapped key moved to another row does not open. */
export interface KeyUse {
  readonly instanceId: string;
  /** Empty in the directory, which wraps no keys. */
  readonly trustDomain: string;
  readonly purpose: 'root' | 'svid-intermediate' | 'serving-intermediate' | 'answer' | 'evidence' | 'check';
  readonly id: string;
}

/** First octet of every wrapped value. Version 1: the KEK's version (one length octet, ASCII), 12 octets of IV, AES-256-GCM. */
const FORMAT = 1;
const IV_OCTETS = 12;
const CHECK_TEXT = 'ambient-ca check value of a key-encryption key';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Wraps and opens private keys under the KEK of the deployment. */
export class Vault {
  readonly #ring: KekRing;

  constructor(ring: KekRing) {
    this.#ring = ring;
  }

  async wrap(use: KeyUse, secret: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return seal(this.#ring.current, use, secret);
  }

  /** The PKCS#8 bytes; null when the KEK version is unknown, or anything about the wrapped value or its use differs. */
  async open(use: KeyUse, wrapped: Uint8Array): Promise<Uint8Array<ArrayBuffer> | null> {
    const [format, versionLength = 0] = wrapped;
    if (format !== FORMAT) return null;
    const ivAt = 2 + versionLength;
    const kek = this.#ring.byVersion.get(decoder.decode(wrapped.subarray(2, ivAt)));
    if (kek === undefined) return null;
    try {
      const iv = wrapped.slice(ivAt, ivAt + IV_OCTETS);
      const plain = await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv, additionalData: additionalData(use) },
        kek.key,
        wrapped.slice(ivAt + IV_OCTETS),
      );
      return new Uint8Array(plain);
    } catch {
      return null;
    }
  }

  /** The check value of the current version, to be stored with the first use. */
  async checkValue(): Promise<{ version: string; value: Uint8Array<ArrayBuffer> }> {
    const { current } = this.#ring;
    return { version: current.version, value: await seal(current, checkUse(current.version), encode(CHECK_TEXT)) };
  }

  has(version: string): boolean {
    return this.#ring.byVersion.has(version);
  }

  async checks(version: string, value: Uint8Array): Promise<boolean> {
    const plain = await this.open(checkUse(version), value);
    return plain !== null && decoder.decode(plain) === CHECK_TEXT;
  }
}

/**
 * Opens the vault of an object. Every KEK version whose check value is stored must be there and be the same key:
 * otherwise `kek-missing` or `kek-mismatch`, and the object serves nothing.
 */
export async function openVault(sql: SqlStorage, secret: string | null | undefined): Promise<Vault | CaFailure> {
  const ring = await parseKekRing(secret);
  if ('code' in ring) return ring;
  const vault = new Vault(ring);
  const stored = sql.exec<{ version: string; value: ArrayBuffer }>('SELECT version, value FROM kek_checks').toArray();
  for (const { version, value } of stored) {
    if (!vault.has(version)) {
      return {
        code: 'kek-missing',
        detail: `keys are wrapped under version ${version} of the KEK, which the secret KEK does not hold`,
        fix: 'put the earlier version back beside the new one',
      };
    }
    if (!(await vault.checks(version, new Uint8Array(value)))) {
      return {
        code: 'kek-mismatch',
        detail: `version ${version} of the secret KEK is not the key that this deployment was made with`,
        fix: 'restore the KEK that was set at bootstrap',
      };
    }
  }
  return vault;
}

/** Stores the check value of the current KEK version, once. Await it before the first key of a version is wrapped. */
export async function storeCheck(sql: SqlStorage, vault: Vault, now: number): Promise<void> {
  const { version, value } = await vault.checkValue();
  sql.exec('INSERT INTO kek_checks VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING', version, value, now);
}

async function seal(kek: Kek, use: KeyUse, secret: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_OCTETS));
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: additionalData(use) },
    kek.key,
    secret,
  );
  const version = encode(kek.version);
  const wrapped = new Uint8Array(2 + version.length + IV_OCTETS + sealed.byteLength);
  wrapped.set([FORMAT, version.length]);
  wrapped.set(version, 2);
  wrapped.set(iv, 2 + version.length);
  wrapped.set(new Uint8Array(sealed), 2 + version.length + IV_OCTETS);
  return wrapped;
}

/** None of the parts can hold a `|`: instance and ids are ours, a trust domain has the characters of a host name. */
function additionalData({ instanceId, trustDomain, purpose, id }: KeyUse): Uint8Array<ArrayBuffer> {
  return encode(['ambient-ca wrapped key 1', instanceId, trustDomain, purpose, id].join('|'));
}

function checkUse(version: string): KeyUse {
  return { instanceId: '', trustDomain: '', purpose: 'check', id: version };
}

/** Of a short text; `TextEncoder` is typed as if its buffer could be shared. */
function encode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(encoder.encode(text));
}
