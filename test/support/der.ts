/** A DER writer for the tests alone: what it makes owes nothing to the code under test (X.690 §8, §10). */

function length(n: number): Uint8Array {
  if (n < 0x80) return Uint8Array.of(n);
  const bytes: number[] = [];
  for (let rest = n; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = Buffer.concat(parts);
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag), length(body.length), body]));
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => der(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => der(0x31, ...parts);
export const octets = (body: Uint8Array): Uint8Array<ArrayBuffer> => der(0x04, body);
export const bits = (body: Uint8Array): Uint8Array<ArrayBuffer> => der(0x03, Uint8Array.of(0), body);
export const text = (tag: number, value: string): Uint8Array<ArrayBuffer> => der(tag, Buffer.from(value, 'utf8'));
export const boolean = (value: boolean): Uint8Array<ArrayBuffer> => der(0x01, Uint8Array.of(value ? 0xff : 0));

/** @param bytes big-endian magnitude; a leading zero is added or removed as DER demands. */
export function integer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const body = bytes.subarray(from);
  return (body[0] ?? 0) >= 0x80 ? der(0x02, Uint8Array.of(0), body) : der(0x02, body);
}

export function oid(dotted: string): Uint8Array<ArrayBuffer> {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc % 128];
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) groups.unshift(0x80 | (high % 128));
    bytes.push(...groups);
  }
  return der(0x06, Uint8Array.from(bytes));
}

/** UTCTime to 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). @param ms milliseconds since 1970; the part below a second is cut. */
export function time(ms: number): Uint8Array<ArrayBuffer> {
  const digits = new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(/[-T:]|\.\d+/g, '');
  return Number(digits.slice(0, 4)) < 2050 ? text(0x17, digits.slice(2)) : text(0x18, digits);
}

export function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array<ArrayBuffer> {
  return critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value));
}

export const uriName = (uri: string): Uint8Array<ArrayBuffer> => text(0x86, uri);
export const dnsName = (name: string): Uint8Array<ArrayBuffer> => text(0x82, name);

/** 64 columns and a final newline (RFC 7468 §2). */
export function pem(label: string, body: Uint8Array): string {
  const lines =
    Buffer.from(body)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
