/**
 * Lets work that awaits be done one after another. An object is one thread, but while it awaits others run: what such
 * work was decided on must not change before it is written.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    // A failure is its caller's; the next in line starts all the same.
    this.#last = next.catch(() => null);
    return next;
  }
}
