/**
 * Exit codes, stable: scripts branch on them. Documented in `ambient-ca --help`.
 */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  denied: 3,
  notFound: 4,
  conflict: 5,
  unavailable: 6,
  unverified: 7,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export type CliErrorCode =
  | 'usage'
  | 'input-file'
  | 'ca-url'
  | 'ca-token'
  | 'ca-unreachable'
  | 'ca-answer'
  | 'ca-denied'
  | 'ca-not-found'
  | 'ca-conflict'
  | 'ca-refused'
  | 'ca-unavailable'
  | 'dev-not-running'
  | 'dev-running'
  | 'dev-state'
  | 'dev-start'
  | 'unknown-pod'
  | 'agent-unreachable'
  | 'agent-refused'
  | 'unverified';

const EXIT_OF: Record<CliErrorCode, ExitCode> = {
  usage: EXIT.usage,
  'input-file': EXIT.usage,
  'ca-url': EXIT.usage,
  'ca-token': EXIT.usage,
  'ca-unreachable': EXIT.unavailable,
  'ca-answer': EXIT.failed,
  'ca-denied': EXIT.denied,
  'ca-not-found': EXIT.notFound,
  'ca-conflict': EXIT.conflict,
  'ca-refused': EXIT.failed,
  'ca-unavailable': EXIT.unavailable,
  'dev-not-running': EXIT.unavailable,
  'dev-running': EXIT.conflict,
  'dev-state': EXIT.failed,
  'dev-start': EXIT.failed,
  'unknown-pod': EXIT.notFound,
  'agent-unreachable': EXIT.unavailable,
  'agent-refused': EXIT.denied,
  unverified: EXIT.unverified,
};

/** What went wrong (`message`), and what to type or do about it (`next`). */
export class CliError extends Error {
  readonly code: CliErrorCode;
  readonly next: string | undefined;
  /** The CA's own problem code, where one answered. */
  readonly problem: string | undefined;

  constructor(
    code: CliErrorCode,
    message: string,
    options: { next?: string | undefined; problem?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'CliError';
    this.code = code;
    this.next = options.next;
    this.problem = options.problem;
  }

  get exitCode(): ExitCode {
    return EXIT_OF[this.code];
  }
}
