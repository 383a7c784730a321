import { X509Certificate } from 'node:crypto';
import { readReply } from '../../support/client/reply.ts';
import { faultsOf } from '../../support/verify/faults.ts';
import { OddCa, toPem } from './odd_ca.ts';
import type { Row } from './row.ts';
import { csrKey, identityOf, PODS, type Stand } from './stand.ts';

const ours = { theirs: 'Internal', ours: 'Unavailable' } as const;
const served = { theirs: 'OK', ours: 'OK' } as const;

/** That after the leaf come exactly these elements. @throws Error naming the first that is another */
const expectElements = (chain: readonly string[], expected: readonly Uint8Array[][]): void => {
  const texts = expected.map((element) => element.map(toPem).join(''));
  if (chain.length !== texts.length + 1) throw new Error(`${chain.length} elements, expected ${texts.length + 1}`);
  const wrong = texts.findIndex((text, at) => chain[at + 1] !== text);
  if (wrong !== -1) throw new Error(`element ${wrong + 1} is not what stands there in the order of the path`);
};

/** Rows 40 to 46: what comes back. Rows 40 to 44 and 46 are the real agent code before a CA that a test tells what to answer. */
export function chains(stand: () => Stand): Row[] {
  let rotated: Uint8Array[][] = [];
  let three: Uint8Array[][] = [];
  return [
    {
      row: 40,
      name: 'the CA answers with garbage',
      ...ours,
      ask: () => OddCa.ask((ca) => ca.answerWith(Uint8Array.of(1, 2, 3))),
    },
    {
      row: 41,
      name: 'the leaf is by a CA that is not in its chain',
      ...ours,
      ask: () => OddCa.ask((ca) => ca.signByStranger('unnamed')),
    },
    {
      row: 42,
      name: 'the chain is under a root of no mesh',
      ...ours,
      ask: () => OddCa.ask((ca) => ca.signByStranger('named')),
    },
    {
      row: 43,
      name: 'leaf, issuer, cross-certificate, roots: 4 elements',
      ...served,
      ask: () => OddCa.ask(async (ca) => void (rotated = await ca.rotate())),
      check: (chain) => expectElements(chain, rotated),
    },
    {
      row: 44,
      name: 'three roots in the last element',
      ...served,
      ask: () => OddCa.ask(async (ca) => void (three = await ca.threeRoots())),
      check: (chain) => expectElements(chain, three),
    },
    {
      row: 45,
      name: 'each element parses, one URI, verifies under the root',
      ...served,
      ask: () => stand().ask({ as: PODS.a }),
      check: (chain) => {
        const held = readReply(chain, csrKey());
        const faults = faultsOf(held, identityOf(PODS.a));
        const last = new X509Certificate(chain.at(-1) ?? '');
        if (!last.ca || last.subjectAltName !== undefined) faults.push('the last element is no CA without a name');
        if (!stand().dev.rootPem.includes(last.toString().trim())) faults.push('not the root that the agent publishes');
        if (faults.length > 0) throw new Error(faults.join('; '));
      },
    },
    { row: 46, name: 'the CA fails to sign', ...ours, ask: () => OddCa.ask((ca) => ca.fail()) },
  ];
}
