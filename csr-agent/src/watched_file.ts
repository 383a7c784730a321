import { readFileSync, statSync } from 'node:fs';

/** How often a file is looked at. Polling sees the swapped links of a mounted ConfigMap, too. */
const POLL_MS = 500;

export interface WatchedFileEvents {
  changed(text: string): void;
  /** The file cannot be read, or `changed` threw: whoever watches keeps what it has. */
  failed(error: Error): void;
}

/**
 * Tells the text of a file whenever it changes, not at first. The state of the file is taken before this returns, so a
 * reader that reads afterwards misses no change. Does not keep the process alive.
 */
export function watchText(path: string, events: WatchedFileEvents): { close(): void } {
  let seen = stateOf(path);
  const timer = setInterval(() => {
    const state = stateOf(path);
    if (state === seen) return;
    seen = state;
    try {
      events.changed(readFileSync(path, 'utf8'));
    } catch (error) {
      events.failed(error instanceof Error ? error : new Error(String(error)));
    }
  }, POLL_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

function stateOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return String(error);
  }
}
