import TinyQueue from 'tinyqueue';

export interface Queued {
  /** Whose turn it takes. */
  readonly callerKey: string;
  /** ms since 1970: when it is of no use any more; the sooner, the sooner it goes. */
  readonly dueBy: number;
  /** ms since 1970 */
  readonly queuedAt: number;
}

interface Line<T> {
  readonly callerKey: string;
  readonly items: TinyQueue<T>;
  /** How often the caller has been served, counted from where the others were when it came. */
  turn: number;
}

/**
 * Start-time fair queueing over callers: each caller in turn gives one item, among callers of the same turn the one that
 * is due soonest goes first, and so do the items of one caller. A caller that asks for thousands delays the others by one
 * item each.
 */
export class FairQueue<T extends Queued> {
  readonly #lines = new Map<string, Line<T>>();
  readonly #order = new TinyQueue<Line<T>>([], (a, b) => a.turn - b.turn || compareDue(a.items.peek(), b.items.peek()));
  readonly #gone = new WeakSet<T>();
  #turn = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    this.#size++;
    this.#gone.delete(item);
    const line = this.#lines.get(item.callerKey);
    if (line === undefined) {
      const items = new TinyQueue<T>([], compareDue);
      items.push(item);
      const fresh = { callerKey: item.callerKey, items, turn: this.#turn };
      this.#lines.set(item.callerKey, fresh);
      this.#order.push(fresh);
      return;
    }
    // The line may now be due sooner than where it stands: at worst it is served as it stood.
    line.items.push(item);
  }

  /** For an item that is in the queue. */
  remove(item: T): void {
    if (this.#gone.has(item)) return;
    this.#gone.add(item);
    this.#size--;
  }

  /** The next one, or undefined. */
  take(): T | undefined {
    for (let line = this.#order.pop(); line !== undefined; line = this.#order.pop()) {
      const item = this.#pop(line.items);
      this.#turn = Math.max(this.#turn, line.turn);
      if (item !== undefined) line.turn++;
      if (line.items.length === 0) this.#lines.delete(line.callerKey);
      else this.#order.push(line);
      if (item === undefined) continue;
      this.#size--;
      return item;
    }
    return undefined;
  }

  #pop(items: TinyQueue<T>): T | undefined {
    for (let item = items.pop(); item !== undefined; item = items.pop()) {
      if (!this.#gone.delete(item)) return item;
    }
    return undefined;
  }
}

/** The one that is due sooner first, then the older one; a line is never empty while it stands in the order. */
function compareDue(a: Queued | undefined, b: Queued | undefined): number {
  if (a === undefined || b === undefined) return 0;
  return a.dueBy - b.dueBy || a.queuedAt - b.queuedAt;
}
