import type { Random } from './random.ts';

/** A parser of ours, where its inputs come from, and who else reads them. */
export interface Target {
  readonly name: TargetName;
  /** Inputs to begin with, most of them good. */
  readonly seeds: () => Uint8Array[];
  readonly mutate: (input: Uint8Array, random: Random, foreign: Uint8Array) => Uint8Array;
  /**
   * Runs our parser.
   *
   * @returns what it read
   * @throws an error of `refusals`; any other is a finding
   */
  readonly parse: (input: Uint8Array) => unknown;
  readonly isRefusal: (error: unknown) => error is Error;
  /** What the others say to an input that ours accepted: null where they accept and mean the same, else what differs. */
  readonly compare: (input: Uint8Array, read: unknown) => string | null;
  /** Whether any other accepts what ours refused; no finding, for ours is strict on purpose. */
  readonly othersAccept: (input: Uint8Array) => boolean;
  /** Of the accepted inputs whose outcome is known already, one in so many is compared. */
  readonly compareOneIn: number;
}

export type TargetName = 'der' | 'key' | 'pem' | 'csr' | 'spiffe' | 'certificate' | 'protobuf';

export const accepts = (read: () => unknown): boolean => {
  try {
    read();
    return true;
  } catch {
    return false;
  }
};

export const bytesDiffer = (ours: Uint8Array, theirs: Uint8Array | ArrayBuffer): boolean =>
  !Buffer.from(ours).equals(Buffer.from(theirs as Uint8Array));
