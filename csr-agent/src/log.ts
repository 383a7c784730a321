import { pino, type Logger } from 'pino';

export type { Logger };

/** Bytes gathered before a write, and how long they may wait: a line per certificate must not cost a system call each. */
const BUFFER_BYTES = 8_192;
const FLUSH_MS = 200;
/** A reader of our output that is stuck must not take the agent's memory: lines above this are dropped. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;

/**
 * JSON lines on standard output. JSON escapes control characters, so input cannot forge a line; a token is never handed
 * to the log.
 */
export function createLog(level: string): { log: Logger; flush: () => void } {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: BUFFER_BYTES,
    maxLength: MAX_BUFFERED_BYTES,
  });
  const timer = setInterval(() => destination.flush(), FLUSH_MS);
  timer.unref();
  const log = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    log,
    flush: () => {
      clearInterval(timer);
      destination.flushSync();
    },
  };
}
