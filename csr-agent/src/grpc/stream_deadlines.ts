/** What a deadline needs of an HTTP/2 stream. */
export interface TimedStream {
  readonly headersSent: boolean;
  once(event: 'end' | 'close', listener: () => void): unknown;
  close(code: number): void;
  /** That of its connection, while there is one. */
  readonly session?: { destroy(): void } | undefined;
}

export interface StreamDeadlinesOptions {
  /** RFC 9113 §7: why a stream is ended. */
  readonly code: number;
  /** ms, monotone */
  readonly now: () => number;
}

/** How long a client may take to send a request of one packet or two, and to take in an answer of three. ms */
const PATIENCE = 15_000;
/**
 * Requests that have begun and not ended, each of at most a message: 64 MiB. Above it the connection of the oldest one
 * ends, whole: whoever keeps a thousand requests open at once would only begin the next.
 */
const MAX_INCOMPLETE = 1_024;

/**
 * Ends streams that hold memory while they wait for their client: requests that do not end, and answers that are not
 * taken. A held call waits for us and has no deadline here.
 */
export class StreamDeadlines {
  readonly #options: StreamDeadlinesOptions;
  /** Since when, the oldest first. */
  readonly #incomplete = new Map<TimedStream, number>();
  readonly #complete = new Set<TimedStream>();
  /** Since when an answer was seen to be under way. */
  readonly #answered = new Map<TimedStream, number>();

  constructor(options: StreamDeadlinesOptions) {
    this.#options = options;
  }

  /** @param endless it is answered with a stream that has no end, as a health watch is */
  add(stream: TimedStream, endless: boolean): void {
    this.#incomplete.set(stream, this.#options.now());
    stream.once('end', () => {
      if (this.#incomplete.delete(stream) && !endless) this.#complete.add(stream);
    });
    stream.once('close', () => this.#forget(stream));
    const [oldest] = this.#incomplete.keys();
    if (this.#incomplete.size <= MAX_INCOMPLETE || oldest === undefined) return;
    this.#forget(oldest);
    oldest.session?.destroy();
  }

  /** To be called every second or so. */
  sweep(): void {
    const now = this.#options.now();
    for (const stream of this.#complete) {
      if (stream.headersSent && !this.#answered.has(stream)) this.#answered.set(stream, now);
    }
    for (const waiting of [this.#incomplete, this.#answered]) {
      for (const [stream, since] of waiting) {
        if (now - since < PATIENCE) break;
        this.#end(stream);
      }
    }
  }

  #end(stream: TimedStream): void {
    this.#forget(stream);
    stream.close(this.#options.code);
  }

  #forget(stream: TimedStream): void {
    this.#incomplete.delete(stream);
    this.#complete.delete(stream);
    this.#answered.delete(stream);
  }
}
