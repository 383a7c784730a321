import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PkiError } from '../../../pki/src/errors.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import { csrOf, extensionRequest, san, uri } from '../../pki/csr/samples.ts';
import { printTable } from '../../support/print_table.ts';
import { authentication, namesOf } from './authentication.ts';
import { chains } from './chain.ts';
import { csrs, purposeSets } from './csr.ts';
import { durations } from './duration.ts';
import { impersonation } from './impersonation.ts';
import { reasonOf, type Row } from './row.ts';
import { identityOf, PODS, Stand } from './stand.ts';

/** The rows of istio-csr's unit and e2e tests, of Red Hat's and istiod's, that can be asked over the wire without a cluster. */
const ROWS = 46;

let stand: Stand | undefined;
const started = (): Stand => {
  if (stand === undefined) throw new Error('the stand has not been started');
  return stand;
};
const parts = [authentication, csrs, impersonation, durations, chains];
const rows: readonly Row[] = parts.flatMap((part) => part(started));
const answered: Record<string, string | number>[] = [];

beforeAll(async () => {
  stand = await Stand.start();
});
afterAll(async () => {
  await stand?.stop();
  printTable('istio-csr’s tests over the wire: what it answers, what we do, and why where they differ', answered);
});

test(`each of the ${ROWS} rows is asked, and each difference has a reason`, () => {
  expect([...new Set(rows.map(({ row }) => row))]).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1));
  expect(rows.map(reasonOf).filter((reason) => reason !== '')).not.toContain(undefined);
});

const isOfTheCaller = (chain: readonly string[]): void => {
  expect(namesOf(chain)).toBe(`URI:${identityOf(PODS.a)}`);
};

describe('istio-csr’s rows', () => {
  test.each(rows)('$row: $name', async (row) => {
    const asked = await row.ask();
    const outcomes = Array.isArray(asked) ? asked : [asked];
    const codes = [...new Set(outcomes.map(({ code }) => code))];
    const { row: number, name: request, theirs } = row;
    answered.push({ row: number, request, 'istio-csr': theirs, ours: codes.join(', '), because: reasonOf(row) });
    expect(codes).toEqual([row.ours]);
    if (row.ours === 'OK') for (const { chain } of outcomes) (row.check ?? isOfTheCaller)(chain);
  });
});

/** A BIT STRING of the size of a signature: to verify it is not the parser's work. */
const UNSIGNED = Uint8Array.of(3, 9, 0, 0x30, 6, 2, 1, 1, 2, 1, 1);

function parses(extensions: readonly Uint8Array[]): boolean {
  const attributes = [extensionRequest(san(uri(identityOf(PODS.a))), ...extensions)];
  try {
    parseCsr(csrOf({ attributes, signature: UNSIGNED }));
    return true;
  } catch (error) {
    if (error instanceof PkiError && error.code === 'csr-key-usage') return false;
    throw error;
  }
}

test(`of all ${purposeSets.all.length} sets of purposes with one that is not allowed, none is taken`, () => {
  expect(purposeSets.served.filter(parses)).toEqual(purposeSets.served);
  expect(purposeSets.all.filter(parses)).toEqual([]);
});
