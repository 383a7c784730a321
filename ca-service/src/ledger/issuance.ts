import type { EvidenceLevel } from '../objects/rpc.ts';

/** One certificate about to be signed, as the ledger keeps it. */
export interface Issuance {
  /** 16 octets */
  serial: Uint8Array;
  /** The SPIFFE ID, or `dns:a,b` for a serving certificate. */
  identity: string;
  /** of the caller */
  podUid: string;
  node: string;
  /** ms since 1970, a whole second */
  notAfter: number;
  level: EvidenceLevel;
  requestId: string;
}

/** What is signed in one go: one issuer, one bundle that its receiver hands out, one moment. */
export interface IssuanceBatch {
  /** ms since 1970 */
  at: number;
  /** id of the intermediate */
  issuer: string;
  bundleVersion: number;
  issuances: readonly Issuance[];
}

/** Stored numbers of the evidence levels. Appended to, never reordered. */
const LEVELS: readonly EvidenceLevel[] = ['token', 'token+agent', 'agent'];

export function levelNumber(level: EvidenceLevel): number {
  return LEVELS.indexOf(level);
}

export function levelOf(number: number): EvidenceLevel {
  const level = LEVELS[number];
  if (level === undefined) throw new RangeError(`the ledger holds an unknown evidence level, ${number}`);
  return level;
}
