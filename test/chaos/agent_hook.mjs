// Loaded into the agent before itself: SIGUSR2 sets its clock by the next of CHAOS_SHIFTS (ms, with commas between them).
// It stands in for a clock that somebody set: Date only, as timers run on the monotonic clock then, too.
const shifts = (process.env.CHAOS_SHIFTS ?? '').split(',').filter(Boolean).map(Number);
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
  shift = shifts.shift() ?? 0;
});
// A full disk is a write that fails, and not the end of the process.
process.on('SIGXFSZ', () => undefined);
