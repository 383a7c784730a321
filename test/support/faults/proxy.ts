import net, { type AddressInfo } from 'node:net';
import { PLACES, type Direction, type Fault, type Leg } from './fault.ts';

const DELAY = 300;
/** A chunk that waits to be overtaken goes after this, when nothing overtakes it. */
const OVERTAKEN_WITHIN = 50;

interface Pair {
  readonly near: net.Socket;
  readonly far: net.Socket;
  readonly chunks: Record<Direction, number>;
  fault: Fault | null;
  dead: boolean;
}

/** TCP between two of ours. Each fault that is armed befalls one connection, the next that comes to its step. */
export class FaultProxy {
  readonly #server = net.createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket));
  readonly #sockets = new Set<net.Socket>();
  readonly #armed: Fault[] = [];
  readonly #leg: Leg;
  readonly #random: () => number;
  /** Port of 127.0.0.1 behind it; may change with the process there. */
  target: number;
  /** Faults that happened. */
  readonly done: Fault[] = [];

  private constructor(leg: Leg, target: number, random: () => number) {
    this.#leg = leg;
    this.target = target;
    this.#random = random;
  }

  /** @param random uniform in [0, 1) */
  static async start(leg: Leg, target: number, random: () => number): Promise<FaultProxy> {
    const proxy = new FaultProxy(leg, target, random);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Those that stand are ended, so that the fault meets a new connection. */
  arm(fault: Fault): void {
    this.#armed.push(fault);
    this.drop();
  }

  /** Ends what stands: also what a black hole swallowed. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.drop();
    await closed;
  }

  #accept(near: net.Socket): void {
    this.#keep(near);
    const fault = this.#armed.shift() ?? null;
    if (fault?.step !== 'connect') return this.#join(near, fault);
    this.done.push(fault);
    if (fault.kind === 'refuse') near.resetAndDestroy();
    else if (fault.kind === 'cut') near.end();
    else if (fault.kind === 'black-hole') near.resume();
    else setTimeout(() => this.#join(near, null), DELAY);
  }

  #join(near: net.Socket, fault: Fault | null): void {
    const far = net.connect({ port: this.target, host: '127.0.0.1' });
    this.#keep(far);
    const pair: Pair = { near, far, chunks: { up: 0, down: 0 }, fault, dead: false };
    this.#pass(pair, 'up', near, far);
    this.#pass(pair, 'down', far, near);
    for (const one of [near, far]) one.on('close', () => !pair.dead && [near, far].forEach((each) => each.destroy()));
    near.resume();
  }

  #pass(pair: Pair, direction: Direction, from: net.Socket, to: net.Socket): void {
    let late: Buffer | null = null;
    const write = (bytes: Buffer): void => {
      if (bytes.length > 0 && !to.destroyed) to.write(bytes);
    };
    const flush = (): void => {
      if (late !== null) write(late);
      late = null;
    };
    from.on('data', (bytes: Buffer) => {
      if (pair.dead) return;
      const index = pair.chunks[direction]++;
      const cut = this.#cutAt(pair, direction, index, bytes.length);
      if (cut === null) {
        write(bytes);
        flush();
        return;
      }
      const rest = bytes.subarray(cut);
      write(bytes.subarray(0, cut));
      const kind = pair.fault!.kind;
      this.done.push(pair.fault!);
      pair.fault = null;
      if (kind === 'cut') from.resetAndDestroy();
      else if (kind === 'truncate') to.end();
      else if (kind === 'black-hole') pair.dead = true;
      else if (kind === 'duplicate') [rest.length === 0 ? bytes : rest, rest].forEach(write);
      else if (kind === 'delay') {
        from.pause();
        setTimeout(() => {
          write(rest);
          from.resume();
        }, DELAY);
      } else {
        // The halves of what is left, swapped, when nothing else comes that could overtake.
        const half = rest.length >> 1;
        late = rest.subarray(0, half);
        write(rest.subarray(half));
        setTimeout(flush, OVERTAKEN_WITHIN);
      }
    });
    from.on('end', () => to.end());
  }

  #cutAt({ fault }: Pair, direction: Direction, index: number, length: number): number | null {
    if (fault === null || fault.step === 'connect') return null;
    const at = PLACES[this.#leg][fault.step];
    if (at.direction !== direction || at.chunk !== index) return null;
    const [low, high] = at.passes;
    return Math.floor(length * (low + (high - low) * this.#random()));
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
