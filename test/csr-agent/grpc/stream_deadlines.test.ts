import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { StreamDeadlines } from '../../../csr-agent/src/grpc/stream_deadlines.ts';

const CALM = 11;

class FakeStream extends EventEmitter {
  headersSent = false;
  closedWith: number | undefined;
  readonly session = { destroyed: false, destroy: () => void (this.session.destroyed = true) };

  close(code: number): void {
    this.closedWith = code;
    this.emit('close');
  }
}

let now: number;
let deadlines: StreamDeadlines;
beforeEach(() => {
  now = 0;
  deadlines = new StreamDeadlines({ code: CALM, now: () => now });
});
const begin = (endless = false): FakeStream => {
  const stream = new FakeStream();
  deadlines.add(stream, endless);
  return stream;
};
const after = (ms: number): void => {
  now += ms;
  deadlines.sweep();
};

describe('a stream', () => {
  it('whose request does not end is ended after 15 seconds', () => {
    const stream = begin();
    after(14_999);
    expect(stream.closedWith).toBeUndefined();
    after(1);
    expect(stream.closedWith).toBe(CALM);
    expect(stream.session.destroyed).toBe(false);
  });

  it('that waits for our answer is left alone, for hours if need be', () => {
    const stream = begin();
    stream.emit('end');
    for (let hour = 0; hour < 3; hour++) after(3_600_000);
    expect(stream.closedWith).toBeUndefined();
  });

  it('whose answer is not taken is ended 15 seconds after it was seen', () => {
    const stream = begin();
    stream.emit('end');
    after(3_600_000);
    stream.headersSent = true;
    after(1_000);
    after(14_000);
    expect(stream.closedWith).toBeUndefined();
    after(1_000);
    expect(stream.closedWith).toBe(CALM);
  });

  it('of a health watch is answered without end', () => {
    const stream = begin(true);
    stream.emit('end');
    stream.headersSent = true;
    after(1_000);
    after(3_600_000);
    expect(stream.closedWith).toBeUndefined();
  });

  it('that was closed is forgotten', () => {
    const stream = begin();
    stream.emit('close');
    after(60_000);
    expect(stream.closedWith).toBeUndefined();
  });
});

describe('more than 1 024 requests that have not ended', () => {
  it('end the connection of the oldest', () => {
    const streams = Array.from({ length: 1_026 }, () => begin());
    expect(streams.map(({ session }, at) => (session.destroyed ? at : -1)).filter((at) => at >= 0)).toEqual([0, 1]);
  });

  it('do not count those that wait for our answer', () => {
    const streams = Array.from({ length: 5_000 }, () => {
      const stream = begin();
      stream.emit('end');
      return stream;
    });
    expect(streams.some(({ session }) => session.destroyed)).toBe(false);
  });
});
