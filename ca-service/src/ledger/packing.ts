import { levelNumber, levelOf } from './issuance.ts';
import type { EvidenceLevel } from '../objects/rpc.ts';

/**
 * The packed form of one batch in `history`, version 1. Integers are big-endian; `varint` is unsigned LEB128.
 *
 *     batch  := u8 version | u48 at (ms) | varint issuer | u48 bundle version | varint callers | caller* | record*
 *     caller := u8 0, 16 octets (a UUID) | u8 length, ASCII;  then varint node
 *     record := 16 octets serial | varint identity | varint caller | u32 notAfter (s) | u8 level | u8 length, ASCII request id
 *
 * Issuer, node and identity are ids of the table `names`.
 */
const HISTORY_FORMAT = 1;

export interface PackedRecord {
  serial: Uint8Array;
  identity: number;
  podUid: string;
  node: number;
  notAfter: number;
  level: EvidenceLevel;
  requestId: string;
}

export interface PackedBatch {
  at: number;
  issuer: number;
  bundleVersion: number;
  records: readonly PackedRecord[];
}

const SERIAL_OCTETS = 16;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function packBatch({ at, issuer, bundleVersion, records }: PackedBatch): Uint8Array {
  const out = new Writer();
  out.u8(HISTORY_FORMAT);
  out.u48(at);
  out.varint(issuer);
  out.u48(bundleVersion);
  const callers = new Map<string, number>();
  for (const { podUid, node } of records) {
    const key = `${node} ${podUid}`;
    if (!callers.has(key)) callers.set(key, callers.size);
  }
  out.varint(callers.size);
  for (const key of callers.keys()) {
    const space = key.indexOf(' ');
    out.podUid(key.slice(space + 1));
    out.varint(Number(key.slice(0, space)));
  }
  for (const record of records) {
    out.octets(record.serial);
    out.varint(record.identity);
    out.varint(callers.get(`${record.node} ${record.podUid}`) ?? 0);
    out.u32(record.notAfter / 1000);
    out.u8(levelNumber(record.level));
    out.ascii(record.requestId);
  }
  return out.finish();
}

/** Throws RangeError for a version this code does not know, or bytes that are not a batch. */
export function unpackBatch(packed: Uint8Array): PackedBatch {
  const input = new Reader(packed);
  const version = input.u8();
  if (version !== HISTORY_FORMAT) throw new RangeError(`history has format ${version}, known is ${HISTORY_FORMAT}`);
  const at = input.u48();
  const issuer = input.varint();
  const bundleVersion = input.u48();
  const callers = Array.from({ length: input.varint() }, () => ({ podUid: input.podUid(), node: input.varint() }));
  const records: PackedRecord[] = [];
  while (!input.done) {
    const serial = input.octets(SERIAL_OCTETS);
    const identity = input.varint();
    const caller = callers[input.varint()];
    if (caller === undefined) throw new RangeError('a history record names a caller that its batch does not have');
    const notAfter = input.u32() * 1000;
    records.push({ serial, identity, ...caller, notAfter, level: levelOf(input.u8()), requestId: input.ascii() });
  }
  return { at, issuer, bundleVersion, records };
}

class Writer {
  #bytes = new Uint8Array(4096);
  #at = 0;

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  u32(value: number): void {
    this.u8(value >>> 24);
    this.u8((value >>> 16) & 0xff);
    this.u8((value >>> 8) & 0xff);
    this.u8(value & 0xff);
  }

  u48(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.u8(high >>> 8);
    this.u8(high & 0xff);
    this.u32(value % 2 ** 32);
  }

  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  octets(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  ascii(text: string): void {
    if (text.length > 0xff) throw new RangeError('a text of the history is longer than 255 characters');
    this.u8(text.length);
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
  }

  podUid(uid: string): void {
    if (!UUID.test(uid)) {
      this.ascii(uid);
      return;
    }
    this.u8(0);
    const digits = uid.replaceAll('-', '');
    for (let i = 0; i < digits.length; i += 2) this.u8(Number.parseInt(digits.slice(i, i + 2), 16));
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#bytes.length + length));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  u8(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError('a history batch ends within a record');
    return value;
  }

  u32(): number {
    return this.u8() * 2 ** 24 + this.u8() * 2 ** 16 + this.u8() * 2 ** 8 + this.u8();
  }

  u48(): number {
    return (this.u8() * 2 ** 8 + this.u8()) * 2 ** 32 + this.u32();
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 53; factor *= 0x80) {
      const octet = this.u8();
      value += (octet & 0x7f) * factor;
      if (octet < 0x80) return value;
    }
    throw new RangeError('a history batch holds a number that is too large');
  }

  octets(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('a history batch ends within a record');
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  ascii(): string {
    return String.fromCharCode(...this.octets(this.u8()));
  }

  podUid(): string {
    const length = this.u8();
    if (length > 0) return String.fromCharCode(...this.octets(length));
    const digits = Array.from(this.octets(16), (octet) => octet.toString(16).padStart(2, '0')).join('');
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }
}
