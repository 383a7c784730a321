import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpiffeId } from '../../pki/src/spiffe_id.ts';
import { Fuzzer } from './fuzzer.ts';
import { mutateDer } from './mutate_der.ts';
import { Random } from './random.ts';
import type { Target, TargetName } from './target.ts';
import { TARGETS } from './targets.ts';
import { certificateTarget } from './targets/certificate.ts';
import { csrTarget } from './targets/csr.ts';
import { spiffeTarget } from './targets/spiffe.ts';

const SEED = 20_261_125;
const EXECUTIONS: Readonly<Record<TargetName, number>> = {
  der: 40_000,
  key: 150_000,
  pem: 150_000,
  csr: 40_000,
  spiffe: 40_000,
  certificate: 40_000,
  protobuf: 150_000,
};

const stackTraceLimit = Error.stackTraceLimit;
beforeAll(() => {
  // A refusal is an exception, and nobody reads its stack here.
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

const fuzz = (target: Target, executions: number): Fuzzer => {
  const fuzzer = new Fuzzer(target, new Random(SEED));
  fuzzer.go(executions);
  return fuzzer;
};

describe('what our parsers accept, the others accept with the same meaning', () => {
  test.each(TARGETS)(
    '$name',
    (target) => {
      const { counts, findings } = fuzz(target, EXECUTIONS[target.name]);
      expect(findings.map(({ what, input }) => `${what}: ${Buffer.from(input).toString('base64')}`)).toEqual([]);
      expect(counts.accepted).toBeGreaterThan(100);
      expect(counts.differential).toBeGreaterThan(50);
      expect(counts.executions - counts.accepted).toBeGreaterThan(1_000);
    },
    120_000,
  );
});

/** The first element of the input, by a two-octet length. */
const firstElement = (input: Uint8Array): Uint8Array =>
  input[0] === 0x30 && input[1] === 0x82 ? input.subarray(0, 4 + (input[2] ?? 0) * 256 + (input[3] ?? 0)) : input;

describe('a parser with a fault is found', () => {
  test.each<[string, Target, RegExp]>([
    [
      'that ignores what follows the certificate',
      { ...certificateTarget, parse: (input) => certificateTarget.parse(firstElement(input)) },
      /OpenSSL writes it differently/,
    ],
    [
      'that sees no critical subjectAltName in a CSR',
      { ...csrTarget, parse: (input) => ({ ...(csrTarget.parse(input) as object), requestedIdentity: null }) },
      /sees the names/,
    ],
    [
      'that takes any case for a SPIFFE ID',
      { ...spiffeTarget, parse: (input) => parseSpiffeId(Buffer.from(input).toString('utf8').toLowerCase()) },
      /grammar of the standard|URL parser/,
    ],
    [
      'that throws something else than a refusal',
      {
        ...csrTarget,
        parse(input) {
          if (input.length % 97 === 0) throw new TypeError('undefined is not a function');
          return csrTarget.parse(input);
        },
      },
      /TypeError|undefined is not a function/,
    ],
    [
      'that takes its time',
      {
        ...csrTarget,
        parse(input) {
          if (input.length === 100) for (const end = performance.now() + 55; performance.now() < end;);
          return csrTarget.parse(input);
        },
      },
      /takes more than 50 ms for 100 bytes/,
    ],
  ])('%s', (_name, target, expected) => {
    const fuzzer = new Fuzzer(target, new Random(SEED));
    fuzzer.run(new Uint8Array(100));
    for (let slice = 0; slice < 100 && fuzzer.findings.length === 0; slice++) fuzzer.go(200);
    expect(fuzzer.findings.map(({ what }) => what).join('\n')).toMatch(expected);
  });
});

const mutated = (): string[] => {
  const random = new Random(SEED);
  const input = Buffer.from('3009020101300406022a03', 'hex');
  return Array.from({ length: 200 }, () => Buffer.from(mutateDer(input, random, input)).toString('hex'));
};

test('the same seed gives the same inputs', () => {
  expect(mutated()).toEqual(mutated());
  expect(new Set(mutated()).size).toBeGreaterThan(100);
});
