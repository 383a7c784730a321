import { readFileSync, writeFileSync } from 'node:fs';

/** MiB of resident memory of a process: now, and at most since `resetPeak` (proc(5)). */
export function residentMiB(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);
  return { now: kib('VmRSS') / 1024, peak: kib('VmHWM') / 1024 };
}

export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Growth per thousand certificates in MiB: the slope of a line through the points, by least squares. */
export function slope(points: readonly { certificates: number; miB: number }[]): number {
  const x = mean(points.map(({ certificates }) => certificates));
  const y = mean(points.map(({ miB }) => miB));
  const over = points.reduce((sum, point) => sum + (point.certificates - x) * (point.miB - y), 0);
  const under = points.reduce((sum, point) => sum + (point.certificates - x) ** 2, 0);
  return (over / under) * 1000;
}
