import { WireError } from './wire_error.ts';

/** Reads one JSON value and returns it typed; throws `body-malformed`. */
export type Read<T> = (value: unknown) => T;

type Shape<T> = { readonly [K in keyof T]-?: Read<Exclude<T[K], undefined>> };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Fault extends Error {
  path = '';
  within(step: string): Fault {
    this.path = step + this.path;
    return this;
  }
}

/** UTF-8 JSON of at most `maximum` bytes, read by `read`; the error says where the fault is and never what stood there. */
export function decodeJson<T>(body: Uint8Array, maximum: number, read: Read<T>): T {
  if (body.length > maximum) throw new WireError('body-too-large', `the body exceeds ${maximum} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch {
    throw new WireError('body-malformed', 'the body is not JSON');
  }
  try {
    return read(value);
  } catch (error) {
    if (error instanceof Fault) throw new WireError('body-malformed', `${error.path || 'the body'} ${error.message}`);
    throw error;
  }
}

/** An object with exactly these members; those in `optional` may be absent. */
export function object<T extends object>(shape: Shape<T>, optional: readonly (keyof T & string)[] = []): Read<T> {
  const members = Object.entries(shape) as [string, Read<unknown>][];
  const known = new Set(Object.keys(shape));
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault('is not an object');
    const source = value as Record<string, unknown>;
    for (const name of Object.keys(source)) if (!known.has(name)) throw new Fault('has an unknown member');
    const result: Record<string, unknown> = {};
    let name = '';
    try {
      for (const [member, read] of members) {
        name = member;
        if (Object.hasOwn(source, member)) result[member] = read(source[member]);
        else if (!(optional as readonly string[]).includes(member)) throw new Fault('is missing');
      }
    } catch (error) {
      throw error instanceof Fault ? error.within(`.${name}`) : error;
    }
    return result as T;
  };
}

export function array<T>(read: Read<T>, { minimum = 0, maximum }: { minimum?: number; maximum: number }): Read<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new Fault('is not an array');
    if (value.length < minimum || value.length > maximum) throw new Fault(`has not ${minimum} to ${maximum} entries`);
    return value.map((entry: unknown, index) => {
      try {
        return read(entry);
      } catch (error) {
        throw error instanceof Fault ? error.within(`[${index}]`) : error;
      }
    });
  };
}

/** Text of `1..maximum` UTF-16 units that `form` matches. */
export function text(maximum: number, form: RegExp): Read<string> {
  return (value) => {
    if (typeof value !== 'string') throw new Fault('is not text');
    if (value.length > maximum) throw new Fault(`is longer than ${maximum}`);
    if (!form.test(value)) throw new Fault('does not have its form');
    return value;
  };
}

export function integer(minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER): Read<number> {
  return (value) => {
    if (!Number.isSafeInteger(value)) throw new Fault('is not an integer');
    const number = value as number;
    if (number < minimum || number > maximum) throw new Fault(`is not within ${minimum} and ${maximum}`);
    return number;
  };
}

export function boolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Fault('is not true or false');
  return value;
}

export function literal<const T extends string | number>(...allowed: readonly T[]): Read<T> {
  return (value) => {
    const found = allowed.find((entry) => entry === value);
    if (found === undefined) throw new Fault(`is not one of ${allowed.join(', ')}`);
    return found;
  };
}

/** Objects told apart by a member; an unknown kind is a fault. */
export function variants<T extends object>(tag: string, kinds: Readonly<Record<string, Read<T>>>): Read<T> {
  const byKind = new Map(Object.entries(kinds));
  return (value) => {
    const kind = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[tag] : undefined;
    const read = typeof kind === 'string' ? byKind.get(kind) : undefined;
    if (read === undefined) throw new Fault(`has no known ${tag}`);
    return read(value);
  };
}

/** A further check on what was read, for rules between members. */
export function refine<T>(read: Read<T>, check: (value: T) => string | null): Read<T> {
  return (value) => {
    const result = read(value);
    const fault = check(result);
    if (fault !== null) throw new Fault(fault);
    return result;
  };
}
