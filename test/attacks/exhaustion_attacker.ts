import tls from 'node:tls';
import { ACK, FRAME, frame, headerBlocks, preface } from '../bench/h2_frames.ts';
import { CREATE_CERTIFICATE } from '../support/wire/channel.ts';

export interface Target {
  host: string;
  port: number;
  serverName: string;
  roots: string;
}

/** The header block of a call, that puts its fields into the server's table; not for a second stream of a connection. */
export const callBlock = (serverName: string, token: string): Buffer =>
  headerBlocks(CREATE_CERTIFICATE, serverName, [
    ['authorization', `Bearer ${token}`],
    ['clusterid', 'Kubernetes'],
  ]).first;

export { FRAME, frame };
export const END_HEADERS = 0x4;
export const END_STREAM = 0x1;

/** One connection of an attacker: HTTP/2 frames as they are given, no rule kept that is not asked for. */
export class Attacker {
  readonly socket: tls.TLSSocket;
  gone = false;

  private constructor(socket: tls.TLSSocket) {
    this.socket = socket;
    socket.once('close', () => (this.gone = true));
    socket.on('error', () => (this.gone = true));
  }

  /** @param reading whether it takes in and acknowledges what the server sends; resolves when the handshake is over */
  static open({ host, port, serverName, roots }: Target, reading = true): Promise<Attacker> {
    return new Promise((resolve, reject) => {
      const options = { host, port, servername: serverName, ca: roots, ALPNProtocols: ['h2'] };
      const socket = tls.connect(options, () => {
        if (reading) socket.resume();
        socket.off('error', reject);
        resolve(new Attacker(socket));
      });
      socket.once('error', reject);
    });
  }

  hello(): this {
    this.socket.write(Buffer.concat([preface(), frame(FRAME.settings, ACK, 0, new Uint8Array())]));
    return this;
  }

  /** Resolves when it was handed to the kernel, or the connection has gone. */
  send(bytes: Uint8Array): Promise<void> {
    if (this.gone || this.socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.socket.off('close', done);
        resolve();
      };
      this.socket.once('close', done);
      this.socket.write(bytes, done);
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** `count` results of `make`, at most `parallel` at once; what cannot be had is left out. */
export async function many<T>(count: number, parallel: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      // oxlint-disable-next-line no-await-in-loop -- as many at once as there are workers
      const one = await make(index).catch(() => undefined);
      if (one !== undefined) made.push(one);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return made;
}
