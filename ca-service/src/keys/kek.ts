import type { CaFailure } from '../objects/rpc.ts';

/** A key-encryption key: AES-256-GCM, not extractable. */
export interface Kek {
  readonly version: string;
  readonly key: CryptoKey;
}

/** The versions a deployment was given; new keys are wrapped under `current`, older ones still open. */
export interface KekRing {
  readonly current: Kek;
  readonly byVersion: ReadonlyMap<string, Kek>;
}

const KEK_OCTETS = 32;
const FORM = '{"current":"1","keys":{"1":"<base64 of 32 octets>"}}';

/** Reads the secret KEK. A missing or malformed one is `kek-missing`; the reason never quotes the secret. */
export async function parseKekRing(secret: string | null | undefined): Promise<KekRing | CaFailure> {
  if ((secret ?? '') === '') return missing('the secret KEK is not set');
  const document = parseDocument(secret ?? '');
  if (document === null) return missing(`the secret KEK is not of the form ${FORM}`);
  const byVersion = new Map<string, Kek>();
  for (const [version, octets] of document.keys) {
    const key = await crypto.subtle.importKey('raw', octets, 'AES-GCM', false, ['encrypt', 'decrypt']);
    byVersion.set(version, { version, key });
  }
  const current = byVersion.get(document.current);
  if (current === undefined) return missing('"current" of the secret KEK names none of its keys');
  return { current, byVersion };
}

function parseDocument(secret: string): { current: string; keys: [string, Uint8Array<ArrayBuffer>][] } | null {
  try {
    const document = JSON.parse(secret) as { current?: unknown; keys?: unknown } | null;
    if (typeof document?.current !== 'string' || typeof document.keys !== 'object' || document.keys === null)
      return null;
    const keys = Object.entries(document.keys).map(([version, text]): [string, Uint8Array<ArrayBuffer>] => [
      version,
      Uint8Array.from(atob(String(text)), (character) => character.codePointAt(0) ?? 0),
    ]);
    const wellFormed = keys.every(([version, { length }]) => /^[\w.-]{1,32}$/.test(version) && length === KEK_OCTETS);
    return wellFormed ? { current: document.current, keys } : null;
  } catch {
    return null;
  }
}

function missing(detail: string): CaFailure {
  return { code: 'kek-missing', detail, fix: 'npx wrangler secret put KEK --env production' };
}
