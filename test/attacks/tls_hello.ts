import net from 'node:net';
import { randomBytes } from 'node:crypto';

/** A ClientHello octet by octet (RFC 8446 §4.1.2), so that what no TLS library offers any more can be offered, too. */
export interface Hello {
  /** legacy_version: 0x0300 is SSL 3.0, 0x0303 TLS 1.2 and 1.3. */
  legacyVersion?: number;
  /** supported_versions; without it the legacy version counts. */
  versions?: readonly number[];
  suites?: readonly number[];
  /** supported_groups. For TLS 1.3 no key share is sent, so that the server answers which group it wants, or an alert. */
  groups?: readonly number[];
  schemes?: readonly number[];
  alpn?: readonly string[];
  compression?: readonly number[];
  serverName?: string;
}

interface ServerHello {
  version: number;
  suite: number;
  compression: number;
  /** RFC 8446 §4.1.3: the last octets of the random, where a server that knows TLS 1.3 admits a downgrade. */
  sentinel: string;
  /** A HelloRetryRequest, as it asks for a key share. */
  retry: boolean;
  group: number | undefined;
}

export type Reply = { alert: number } | { hello: ServerHello } | { closed: string };

const TLS13 = 0x0304;
export const GROUP = {
  secp256r1: 23,
  secp384r1: 24,
  secp521r1: 25,
  x25519: 29,
  x448: 30,
  ffdhe2048: 256,
  X25519MLKEM768: 4588,
};
const SUITES = [0x1302, 0x1301, 0x1303, 0xc02c, 0xc02b];
/** ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, rsa_pss_rsae_sha256 */
const SCHEMES = [0x0403, 0x0503, 0x0804];
const RETRY_RANDOM = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c';

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const u16s = (values: readonly number[]): Buffer => Buffer.concat(values.map(u16));
const sized = (bytes: 1 | 2 | 3, content: Uint8Array): Buffer => {
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([length, content]);
};
const extension = (type: number, content: Uint8Array): Buffer => Buffer.concat([u16(type), sized(2, content)]);

export function clientHello(hello: Hello): Buffer {
  const { legacyVersion = 0x0303, groups = Object.values(GROUP), alpn = ['h2'] } = hello;
  const versions = hello.versions ?? (legacyVersion === 0x0303 ? [TLS13] : []);
  const extensions = [
    extension(10, sized(2, u16s(groups))),
    extension(11, sized(1, Buffer.from([0]))),
    extension(13, sized(2, u16s(hello.schemes ?? SCHEMES))),
    ...(hello.serverName === undefined
      ? []
      : [extension(0, sized(2, Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(hello.serverName))])))]),
    ...(alpn.length === 0
      ? []
      : [extension(16, sized(2, Buffer.concat(alpn.map((name) => sized(1, Buffer.from(name))))))]),
    ...(versions.length === 0 ? [] : [extension(43, sized(1, u16s(versions)))]),
    ...(versions.includes(TLS13) ? [extension(51, u16(0))] : []),
  ];
  const body = Buffer.concat([
    u16(legacyVersion),
    randomBytes(32),
    sized(1, randomBytes(32)),
    sized(2, u16s(hello.suites ?? SUITES)),
    sized(1, Buffer.from(hello.compression ?? [0])),
    ...(legacyVersion === 0x0300 ? [] : [sized(2, Buffer.concat(extensions))]),
  ]);
  const handshake = Buffer.concat([Buffer.from([1]), sized(3, body)]);
  return Buffer.concat([Buffer.from([22]), u16(Math.min(legacyVersion, 0x0301)), sized(2, handshake)]);
}

/** The first thing a server says to these octets. */
export function say(port: number, octets: Uint8Array): Promise<Reply> {
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    const socket = net.connect(port, '127.0.0.1', () => void socket.write(octets));
    const done = (reply: Reply): void => {
      socket.destroy();
      resolve(reply);
    };
    socket.on('data', (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      const reply = readReply(seen);
      if (reply !== undefined) done(reply);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => done({ closed: error.code ?? error.message }));
    socket.on('close', () => done({ closed: seen.length === 0 ? 'closed' : seen.toString('latin1') }));
  });
}

/** @returns undefined while there is not a whole record of TLS */
function readReply(bytes: Buffer): Reply | undefined {
  if (bytes.length < 5 || bytes.length < 5 + bytes.readUInt16BE(3)) return undefined;
  if (bytes[0] === 21) return { alert: bytes[6] ?? -1 };
  return bytes[0] === 22 && bytes[5] === 2 ? { hello: readServerHello(bytes.subarray(9)) } : undefined;
}

/** @param body after the header of the handshake message (RFC 8446 §4.1.3) */
function readServerHello(body: Buffer): ServerHello {
  const random = body.subarray(2, 34).toString('hex');
  let at = 35 + (body[34] ?? 0);
  const suite = body.readUInt16BE(at);
  const compression = body[at + 2] ?? -1;
  let version = body.readUInt16BE(0);
  let group: number | undefined;
  const end = body.length >= at + 5 ? at + 5 + body.readUInt16BE(at + 3) : 0;
  for (at += 5; at + 4 <= end; at += 4 + body.readUInt16BE(at + 2)) {
    if (body.readUInt16BE(at) === 43) version = body.readUInt16BE(at + 4);
    if (body.readUInt16BE(at) === 51) group = body.readUInt16BE(at + 4);
  }
  return { version, suite, compression, sentinel: random.slice(48), retry: random === RETRY_RANDOM, group };
}
