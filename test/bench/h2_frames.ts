/** As much of HTTP/2 (RFC 9113) and HPACK (RFC 7541) as a load generator writes: everything that can be built beforehand is. */

export const FRAME = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 0x1;
export const ACK = 0x1;
const END_HEADERS = 0x4;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const out = Buffer.alloc(9 + payload.length);
  out.writeUIntBE(payload.length, 0, 3);
  out[3] = type;
  out[4] = flags;
  out.writeUInt32BE(stream, 5);
  out.set(payload, 9);
  return out;
}

/** No dynamic table for what the server sends, no push, and a window that is never used up. */
const SETTINGS = Buffer.from([0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff]);
const WHOLE_WINDOW = Buffer.from([0x7f, 0xff, 0, 0]);

export const preface = (): Buffer =>
  Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'),
    frame(FRAME.settings, 0, 0, SETTINGS),
    frame(FRAME.windowUpdate, 0, 0, WHOLE_WINDOW),
  ]);

/** RFC 7541 §5.1 with a prefix of seven bits, and §5.2 without Huffman coding. */
function string(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push(0x80 | (rest % 128));
  length.push(rest);
  return Buffer.concat([Uint8Array.from(length), bytes]);
}

const METHOD_POST = 0x83;
const SCHEME_HTTPS = 0x87;
const FIRST_DYNAMIC = 62;

export interface HeaderBlocks {
  /** Puts each field into the server's dynamic table, as the clients of the mesh do with their first request. */
  first: Buffer;
  /** Refers to them. */
  next: Buffer;
}

/** @param fields must fit the 4 096 bytes of the default table with 32 bytes more each (RFC 7541 §4.1). */
export function headerBlocks(
  path: string,
  authority: string,
  fields: readonly (readonly [string, string])[],
): HeaderBlocks {
  const all: (readonly [string, string])[] = [
    [':path', path],
    [':authority', authority],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
    ...fields,
  ];
  const size = all.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  if (size > 4096) throw new Error(`${size} bytes of headers do not fit the table`);
  const indexed = Uint8Array.of(METHOD_POST, SCHEME_HTTPS);
  return {
    first: Buffer.concat([
      indexed,
      ...all.map(([name, value]) => Buffer.concat([Uint8Array.of(0x40), string(name), string(value)])),
    ]),
    next: Buffer.from([...indexed, ...all.map((_, index) => 0x80 | (FIRST_DYNAMIC + all.length - 1 - index))]),
  };
}

/** HEADERS and DATA of one request in one buffer. */
export function requestFrames(stream: number, block: Buffer, data: Buffer): Buffer {
  const out = Buffer.allocUnsafe(18 + block.length + data.length);
  writeHead(out, 0, block.length, FRAME.headers, END_HEADERS, stream);
  out.set(block, 9);
  writeHead(out, 9 + block.length, data.length, FRAME.data, END_STREAM, stream);
  out.set(data, 18 + block.length);
  return out;
}

function writeHead(out: Buffer, at: number, length: number, type: number, flags: number, stream: number): void {
  out.writeUIntBE(length, at, 3);
  out[at + 3] = type;
  out[at + 4] = flags;
  out.writeUInt32BE(stream, at + 5);
}
