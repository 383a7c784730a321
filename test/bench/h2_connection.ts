import tls from 'node:tls';
import { ZTUNNEL_TLS } from '../support/client/ztunnel.ts';
import { ACK, END_STREAM, FRAME, frame, preface, requestFrames, type HeaderBlocks } from './h2_frames.ts';

export interface Target {
  host: string;
  port: number;
  serverName: string;
  roots: string;
}

/** `message` is undefined for an answer without one, that is a refusal. */
export type Done = (message: Buffer | undefined, sentAt: number) => void;

interface Stream {
  sentAt: number;
  done: Done;
  data: Buffer | undefined;
}

/** One HTTP/2 connection that sends what was built beforehand and looks at nothing it need not. */
export class H2Connection {
  readonly #socket: tls.TLSSocket;
  readonly #blocks: HeaderBlocks;
  readonly #streams = new Map<number, Stream>();
  readonly #failed: (error: Error) => void;
  #rest: Buffer = Buffer.alloc(0);
  #nextStream = 1;
  #window = 65_535;
  readonly #waiting: (() => void)[] = [];

  private constructor(socket: tls.TLSSocket, blocks: HeaderBlocks, failed: (error: Error) => void) {
    this.#socket = socket;
    this.#blocks = blocks;
    this.#failed = failed;
    socket.write(preface());
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', failed);
    socket.on(
      'close',
      () => this.#streams.size > 0 && failed(new Error('the connection was closed with calls in flight')),
    );
  }

  /** @param failed called for whatever ends the connection with calls in flight */
  static open(target: Target, blocks: HeaderBlocks, failed: (error: Error) => void): Promise<H2Connection> {
    const { host, port, serverName, roots } = target;
    return new Promise((resolve, reject) => {
      const options = { host, port, servername: serverName, ca: roots, ALPNProtocols: ['h2'], ...ZTUNNEL_TLS };
      const socket = tls.connect(options, () => {
        socket.setNoDelay(true);
        socket.off('error', reject);
        resolve(new H2Connection(socket, blocks, failed));
      });
      socket.once('error', reject);
    });
  }

  /** @param data a gRPC frame */
  send(data: Buffer, done: Done): void {
    if (this.#window < data.length) {
      this.#waiting.push(() => this.send(data, done));
      return;
    }
    this.#window -= data.length;
    const id = this.#nextStream;
    this.#nextStream += 2;
    const frames = requestFrames(id, id === 1 ? this.#blocks.first : this.#blocks.next, data);
    this.#streams.set(id, { sentAt: performance.now(), done, data: undefined });
    this.#socket.write(frames);
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 9) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes.length - at < 9 + length) break;
      const payload = bytes.subarray(at + 9, at + 9 + length);
      this.#frame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5) & 0x7fffffff, payload);
      at += 9 + length;
    }
    this.#rest = bytes.subarray(at);
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined && type === FRAME.data && payload.length > 0) {
      stream.data = stream.data === undefined ? payload : Buffer.concat([stream.data, payload]);
    }
    if (stream !== undefined && (type === FRAME.data || type === FRAME.headers) && (flags & END_STREAM) !== 0) {
      this.#streams.delete(id);
      stream.done(stream.data, stream.sentAt);
    } else if (type === FRAME.rstStream && stream !== undefined) {
      this.#streams.delete(id);
      stream.done(undefined, stream.sentAt);
    } else if (type === FRAME.settings && (flags & ACK) === 0) {
      this.#socket.write(frame(FRAME.settings, ACK, 0, new Uint8Array()));
    } else if (type === FRAME.ping && (flags & ACK) === 0) {
      this.#socket.write(frame(FRAME.ping, ACK, 0, payload));
    } else if (type === FRAME.windowUpdate && id === 0) {
      this.#window += payload.readUInt32BE(0);
      for (const again of this.#waiting.splice(0)) again();
    } else if (type === FRAME.goaway) {
      this.#failed(new Error(`GOAWAY ${payload.readUInt32BE(4)}`));
    }
  }

  close(): void {
    this.#streams.clear();
    this.#socket.destroy();
  }
}
