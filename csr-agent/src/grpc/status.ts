import { status } from '@grpc/grpc-js';
import type { CallReport } from '../pipeline.ts';

type FailureKind = Exclude<CallReport['outcome'], { ok: true }>['kind'];

interface Answer {
  readonly code: status;
  /** Constant: ztunnel publishes it in config_dump, and a reason would tell an attacker what to try next. */
  readonly text: string;
  /** Value of the `error` label of citadel_server_csr_sign_err_count and the like. */
  readonly metric: 'authentication' | 'csr' | 'sign';
}

/**
 * What a mesh client is told, by what went wrong. Never PermissionDenied: pilot-agent does not retry it. Our own trouble
 * is never Unauthenticated. The two texts of Unauthenticated are istiod's.
 */
const ANSWERS: Record<FailureKind, Answer> = {
  unauthenticated: { code: status.UNAUTHENTICATED, text: 'request authenticate failure', metric: 'authentication' },
  impersonation: {
    code: status.UNAUTHENTICATED,
    text: 'request impersonation authentication failure',
    metric: 'authentication',
  },
  refused: { code: status.UNAUTHENTICATED, text: 'request authenticate failure', metric: 'sign' },
  csr: { code: status.INVALID_ARGUMENT, text: 'certificate signing request refused', metric: 'csr' },
  unavailable: { code: status.UNAVAILABLE, text: 'certificate authority unavailable, try again', metric: 'sign' },
};

export function answerFor(kind: FailureKind): Answer {
  return ANSWERS[kind];
}
