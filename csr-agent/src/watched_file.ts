import { readFileSync, unwatchFile, watchFile } from 'node:fs';

/** How often a file is looked at. Polling sees the swapped links of a mounted ConfigMap, too. */
const POLL_MS = 500;

export interface WatchedFileEvents {
  changed(text: string): void;
  /** The file cannot be read, or `changed` threw: whoever watches keeps what it has. */
  failed(error: Error): void;
}

/** Tells the text of a file whenever it changes, not at first. Does not keep the process alive. */
export function watchText(path: string, events: WatchedFileEvents): { close(): void } {
  const look = (): void => {
    try {
      events.changed(readFileSync(path, 'utf8'));
    } catch (error) {
      events.failed(error instanceof Error ? error : new Error(String(error)));
    }
  };
  watchFile(path, { interval: POLL_MS, persistent: false }, look);
  return { close: () => unwatchFile(path, look) };
}
