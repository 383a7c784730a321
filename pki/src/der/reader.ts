import { PkiError } from '../errors.ts';
import { TAG } from './tags.ts';

/** Certificates of ours nest seven deep (a name constraint); anything deeper is an attack on the reader. */
const MAX_DEPTH = 12;

/** What a root with every extension and a long name needs many times over. */
const MAX_DER_BYTES = 64 * 1024;

/**
 * Reads DER (X.690 §10) and nothing else: definite, minimal lengths, single-octet tags, no bytes left over. Values are
 * views into the input, so the bytes that were checked are the bytes that are used.
 */
export class DerReader {
  readonly bytes: Uint8Array;
  #position: number;
  readonly #end: number;
  readonly #depth: number;

  private constructor(bytes: Uint8Array, start: number, end: number, depth: number) {
    this.bytes = bytes;
    this.#position = start;
    this.#end = end;
    this.#depth = depth;
  }

  /** @throws PkiError `der-size` before anything is parsed */
  static of(bytes: Uint8Array, maxBytes = MAX_DER_BYTES): DerReader {
    if (bytes.length > maxBytes) {
      throw new PkiError('der-size', `${bytes.length} bytes of DER, expected at most ${maxBytes}`);
    }
    return new DerReader(bytes, 0, bytes.length, 0);
  }

  get done(): boolean {
    return this.#position === this.#end;
  }

  /** Identifier octet of the next element, or -1 at the end. */
  peek(): number {
    return this.#position < this.#end ? (this.bytes[this.#position] ?? -1) : -1;
  }

  /** The next element whole, tag and length included. */
  element(tag: number): Uint8Array {
    const start = this.#position;
    this.#header(tag);
    const end = this.#position + this.#length;
    this.#position = end;
    return this.bytes.subarray(start, end);
  }

  /** The next element whole, whatever its tag. */
  anyElement(): Uint8Array {
    const tag = this.peek();
    if (tag < 0) throw new PkiError('der-truncated', 'expected another DER element, found the end');
    return this.element(tag);
  }

  /** Content of the next element. */
  content(tag: number): Uint8Array {
    this.#header(tag);
    const start = this.#position;
    this.#position = start + this.#length;
    return this.bytes.subarray(start, this.#position);
  }

  /** A reader over the content of the next element, which the caller must read to its end and close with `end()`. */
  enter(tag: number): DerReader {
    if (this.#depth + 1 > MAX_DEPTH) throw new PkiError('der-depth', `DER nests deeper than ${MAX_DEPTH}`);
    this.#header(tag);
    const start = this.#position;
    this.#position = start + this.#length;
    return new DerReader(this.bytes, start, this.#position, this.#depth + 1);
  }

  /** A reader over DER that is wrapped in an OCTET STRING, as the value of an extension is. */
  enterOctetString(): DerReader {
    return this.enter(TAG.octetString);
  }

  /** @throws PkiError `der-trailing` when something is left */
  end(what: string): void {
    if (!this.done) {
      throw new PkiError('der-trailing', `${this.#end - this.#position} bytes after the end of ${what}`);
    }
  }

  /** BOOLEAN in DER is 00 or FF (X.690 §11.1). */
  boolean(): boolean {
    const content = this.content(TAG.boolean);
    if (content.length !== 1 || (content[0] !== 0x00 && content[0] !== 0xff)) {
      throw new PkiError('der-value', 'BOOLEAN that is neither 00 nor FF');
    }
    return content[0] === 0xff;
  }

  /** Content of an INTEGER in minimal form (X.690 §8.3.2), its sign octet included; `tag` where it is tagged implicitly. */
  integer(tag: number = TAG.integer): Uint8Array {
    const content = this.content(tag);
    const [first, second] = content;
    if (first === undefined) throw new PkiError('der-value', 'INTEGER without content');
    if (second !== undefined && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw new PkiError('der-value', 'INTEGER that is not minimal');
    }
    return content;
  }

  /** A small non-negative INTEGER, such as a version or a path length. */
  smallInteger(): number {
    const content = this.integer();
    if (content.length > 2 || (content[0] ?? 0) >= 0x80) {
      throw new PkiError('der-value', 'INTEGER out of range, expected a small non-negative number');
    }
    return content.reduce((value, byte) => value * 256 + byte, 0);
  }

  /** Octets of a BIT STRING that must have no unused bits, as keys and signatures do. */
  octetAlignedBits(): Uint8Array {
    const content = this.content(TAG.bitString);
    if (content.length < 2 || content[0] !== 0) {
      throw new PkiError('der-value', 'BIT STRING that is empty or not a whole number of octets');
    }
    return content.subarray(1);
  }

  /** Named bits of a BIT STRING as a mask, bit n as `1 << n`; trailing zero bits must be absent (X.690 §11.2.2). */
  namedBits(): number {
    const content = this.content(TAG.bitString);
    const unused = content[0];
    if (unused === undefined || unused > 7 || content.length > 3 || (content.length === 1 && unused !== 0)) {
      throw new PkiError('der-value', 'BIT STRING of named bits that is malformed');
    }
    const last = content[content.length - 1] ?? 0;
    if (content.length > 1 && ((last >> unused) & 1) === 0) {
      throw new PkiError('der-value', 'BIT STRING of named bits with trailing zero bits');
    }
    if (content.length > 1 && (last & ((1 << unused) - 1)) !== 0) {
      throw new PkiError('der-value', 'BIT STRING whose unused bits are not zero');
    }
    let mask = 0;
    for (let i = 1; i < content.length; i++) {
      for (let bit = 0; bit < 8; bit++) if (((content[i] ?? 0) >> (7 - bit)) & 1) mask |= 1 << ((i - 1) * 8 + bit);
    }
    return mask;
  }

  #length = 0;

  /** Consumes tag and length, and checks that the content lies within this reader. */
  #header(expected: number): void {
    const tag = this.peek();
    if (tag !== expected) {
      const found = tag < 0 ? 'the end' : `tag 0x${tag.toString(16).padStart(2, '0')}`;
      throw new PkiError(
        tag < 0 ? 'der-truncated' : 'der-tag',
        `expected tag 0x${expected.toString(16).padStart(2, '0')}, found ${found}`,
      );
    }
    if ((tag & 0x1f) === 0x1f) throw new PkiError('der-tag', 'tag number above 30, which nothing here uses');
    let position = this.#position + 1;
    const first = position < this.#end ? this.bytes[position++] : undefined;
    if (first === undefined) throw new PkiError('der-truncated', 'DER ends within a length');
    let length = first;
    if (first === 0x80) throw new PkiError('der-length', 'indefinite length, expected DER');
    if (first > 0x80) {
      const octets = first & 0x7f;
      if (octets > 3) throw new PkiError('der-length', `length of ${octets} octets, expected at most 3`);
      length = 0;
      for (let i = 0; i < octets; i++) {
        const octet = position < this.#end ? this.bytes[position++] : undefined;
        if (octet === undefined) throw new PkiError('der-truncated', 'DER ends within a length');
        length = length * 256 + octet;
      }
      if (length < 0x80 || length < 256 ** (octets - 1)) {
        throw new PkiError('der-length', 'length that is not minimal, expected DER');
      }
    }
    if (length > this.#end - position) {
      throw new PkiError('der-truncated', `element of ${length} bytes where ${this.#end - position} are left`);
    }
    this.#position = position;
    this.#length = length;
  }
}
