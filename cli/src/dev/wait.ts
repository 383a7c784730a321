import { request } from 'node:http';
import { CliError } from '../errors.ts';
import type { Part } from './part.ts';

/** Polls a URL until it answers 200. @throws CliError `dev-start`, with the last lines of the part's log */
export async function waitFor(url: string, part: Part, patienceMs: number, now: () => number): Promise<void> {
  const deadline = now() + patienceMs;
  let last = 'no answer';
  while (now() < deadline && part.deaths < 2) {
    // oxlint-disable-next-line no-await-in-loop -- polls
    const status = await statusOf(url);
    if (status === 200) return;
    if (part.stopped) throw new CliError('dev-start', 'stopped while starting');
    if (status !== null) last = `HTTP ${status}`;
    // oxlint-disable-next-line no-await-in-loop -- polls
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const why = part.deaths > 0 ? 'ends again and again' : `is not ready after ${patienceMs / 1000} s (${url}: ${last})`;
  const tail = part.tail();
  throw new CliError('dev-start', `${part.name} ${why}${tail === '' ? '' : `; its last lines:\n${indent(tail)}`}`, {
    next: 'its whole log is in the state folder',
  });
}

function statusOf(url: string): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = request(url, { timeout: 2_000 }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? null));
      answer.on('error', () => resolve(null));
    });
    probe.on('timeout', () => probe.destroy());
    probe.on('error', () => resolve(null));
    probe.end();
  });
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
