import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../../ca-service/src/client/duration.ts';

/** For repeatable options: every value, in order. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** `10m`, `24h`, `7d` → seconds. */
export function durationSeconds(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === null || seconds === 0) {
    throw new InvalidArgumentError('It is a number and a unit (s, m, h, d), as in 90s, 10m, 24h, 7d.');
  }
  return seconds;
}

/** `namespace/name`, both as Kubernetes names them. */
export function namespacedName(text: string): { namespace: string; name: string } {
  const match = /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)\/([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)$/.exec(text);
  if (match?.[1] === undefined || match[3] === undefined) {
    throw new InvalidArgumentError('It is NAMESPACE/NAME, as in bookinfo/productpage.');
  }
  return { namespace: match[1], name: match[3] };
}

/** The same as text, for options whose value goes on as it was typed. */
export function namespacedText(text: string, before: string[]): string[] {
  namespacedName(text);
  return collect(text, before);
}
