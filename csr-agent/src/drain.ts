import type { Logger } from './log.ts';

export interface Drainable {
  /** No new calls; resolves when the last one is answered or the grace is over. */
  drain(graceMs: number): Promise<'drained' | 'cut'>;
}

export interface DrainEnd {
  /** What remains to be closed after the last call. */
  readonly close: () => Promise<void>;
  readonly exit: (code: number) => void;
}

/** One Ctrl-C may come twice: from the terminal, and from who started us. */
const SAME_SIGNAL_MS = 1_000;

/**
 * SIGTERM and SIGINT end the process without a failed call: GOAWAY, then whatever is in flight or held may finish within
 * the grace. A second signal ends it at once.
 */
export function drainOnSignal(server: Drainable, graceMs: number, log: Logger, { close, exit }: DrainEnd): void {
  let since: number | null = null;
  async function drain(signal: NodeJS.Signals): Promise<void> {
    if (since !== null) {
      if (performance.now() - since < SAME_SIGNAL_MS) return;
      log.warn({ signal }, 'second signal: ending at once');
      exit(1);
      return;
    }
    since = performance.now();
    log.info({ signal, graceMs }, 'draining: no new calls, those in flight may finish');
    const end = await server.drain(graceMs);
    log.info({ end }, 'drained');
    await close();
    exit(0);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void drain(signal));
}
