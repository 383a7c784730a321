import type { Logger } from './log.ts';

export interface Drainable {
  /** No new calls; resolves when the last one is answered or the grace is over. */
  drain(graceMs: number): Promise<'drained' | 'cut'>;
}

/**
 * SIGTERM and SIGINT end the process without a failed call: GOAWAY, then whatever is in flight or held may finish within
 * the grace. A second signal ends it at once.
 *
 * @param close what remains to be closed after the last call
 */
export function drainOnSignal(server: Drainable, graceMs: number, log: Logger, close: () => Promise<void>): void {
  let draining = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (draining) {
      log.warn({ signal }, 'second signal: ending at once');
      void close().finally(() => process.exit(1));
      return;
    }
    draining = true;
    log.info({ signal, graceMs }, 'draining: no new calls, those in flight may finish');
    void server
      .drain(graceMs)
      .then((end) => log.info({ end }, 'drained'))
      .finally(() => close().finally(() => process.exit(0)));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
