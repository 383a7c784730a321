/** Media type of a refusal (RFC 9457 §3). */
export const PROBLEM_TYPE = 'application/problem+json';

/** Extension members are flat, so that a log line can carry them. */
export type ProblemMember = string | number | boolean | string[];

/** A problem document (RFC 9457): every refusal of the CA has this form. */
export interface Problem {
  /** `urn:ambient-ca:problem:` and the code. */
  type: string;
  /** The code in words; the same for every occurrence. */
  title: string;
  status: number;
  /** Stable; what programs branch on. */
  code: string;
  /** This occurrence, for the operator. Absent or constant for 5xx. */
  detail?: string;
  /** The command that fixes it. */
  fix?: string;
  /** Every fault of an invalid input. */
  faults?: string[];
  [member: string]: ProblemMember | undefined;
}

/** Members of the problem `again` (409): sign anew with this boot, by this clock. */
export interface AgainProblem extends Problem {
  boot: string;
  /** ms since 1970 */
  time: number;
}

const PREFIX = 'urn:ambient-ca:problem:';

export function problemType(code: string): string {
  return PREFIX + code;
}

/** Reads a problem document leniently: what is not one answers null, as any proxy may have answered. */
export function readProblem(value: unknown): Problem | null {
  if (typeof value !== 'object' || value === null) return null;
  const members = new Map<string, unknown>(Object.entries(value));
  const code = members.get('code');
  const status = members.get('status');
  const title = members.get('title');
  if (typeof code !== 'string' || typeof status !== 'number' || typeof title !== 'string') return null;
  return { ...extensions(members), type: problemType(code), title, status, code };
}

export function isAgain(problem: Problem): problem is AgainProblem {
  return problem.code === 'again' && typeof problem['boot'] === 'string' && typeof problem['time'] === 'number';
}

function extensions(members: Map<string, unknown>): Record<string, ProblemMember> {
  const kept: Record<string, ProblemMember> = {};
  for (const [name, value] of members) {
    if (name === '__proto__') continue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') kept[name] = value;
    else if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) kept[name] = value;
  }
  return kept;
}
