import { readFileSync } from 'node:fs';

// Loaded into the agent before itself: SIGUSR2 sets its clock by what is in the file CHAOS_SHIFT, in ms.
// It stands in for a clock that somebody set: Date only, as timers run on the monotonic clock then, too.
const real = Date.now;
let shift = 0;

globalThis.Date = class extends Date {
  constructor(...values) {
    if (values.length === 0) super(real() + shift);
    else super(...values);
  }

  static now() {
    return real() + shift;
  }
};
process.on('SIGUSR2', () => {
  shift = Number(readFileSync(process.env.CHAOS_SHIFT, 'utf8'));
});
// A full disk is a write that fails, and not the end of the process.
process.on('SIGXFSZ', () => undefined);
