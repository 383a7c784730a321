import { GrpcError } from '../../support/wire/channel.ts';

/** What a peer comes to: the name of the gRPC code. */
type Code = 'OK' | 'Unauthenticated' | 'InvalidArgument' | 'Internal' | 'Unavailable';

const NAMES: Readonly<Record<number, Code>> = {
  3: 'InvalidArgument',
  13: 'Internal',
  14: 'Unavailable',
  16: 'Unauthenticated',
};

export interface Outcome {
  readonly code: string;
  /** cert_chain of the reply, empty for a refusal. */
  readonly chain: readonly string[];
}

/** One row of istio-csr's tests that can be asked over the wire. */
export interface Row {
  /** As in the list of rows, 1 to 46; a row of several cases stands here once for each. */
  readonly row: number;
  /** What is asked. */
  readonly name: string;
  readonly theirs: Code;
  readonly ours: Code;
  /** Why, where the verdict is another one. */
  readonly because?: string;
  /** Asks; a list where one line stands for many requests, all of which must come to the same. */
  readonly ask: () => Promise<Outcome | readonly Outcome[]>;
  /** What else must be true of a certificate that was issued; throws where it is not. */
  readonly check?: (chain: readonly string[]) => void;
}

/**
 * The two codes in which the same refusal differs. istio-csr knows one code for the fault of a caller and one for its own, and answers
 * its own trouble in a way that no client repeats.
 */
const CODES: Readonly<Record<string, string>> = {
  'Unauthenticated InvalidArgument': 'the CSR is at fault and not the token, as istiod says it',
  'Internal Unavailable': 'trouble of ours: held, then for the client to repeat',
};

/** @returns what the call came to; a failure of the transport is none of it and is thrown */
export async function outcomeOf(call: Promise<readonly string[]>): Promise<Outcome> {
  try {
    return { code: 'OK', chain: await call };
  } catch (error) {
    if (!(error instanceof GrpcError) || error.code < 0) throw error;
    return { code: NAMES[error.code] ?? `code ${error.code}`, chain: [] };
  }
}

/** Why our answer differs, or an empty text where it does not. @throws Error for a difference without a reason */
export function reasonOf({ row, name, theirs, ours, because }: Row): string {
  if (theirs === ours) return '';
  const reason = because ?? CODES[`${theirs} ${ours}`];
  if (reason === undefined) throw new Error(`row ${row}, ${name}: ${theirs} and ${ours} differ without a reason`);
  return reason;
}
