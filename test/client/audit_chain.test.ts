import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  auditHash,
  type ChainedEntry,
  type ChainedFacts,
  type ChainHead,
  follow,
  GENESIS,
} from '../../ca-service/src/client/audit_chain.ts';

const facts = (id: number): ChainedFacts => ({
  id,
  at: 1_795_564_800_000 + id,
  actor: { id: 't-1', name: 'ops', role: 'admin' },
  action: 'cluster.enrol',
  subject: `cluster-${id}`,
  outcome: 'done',
  detail: { namespaces: ['a', 'b'], wide: false, epoch: id },
});

function chainOf(length: number): ChainedEntry[] {
  let { hash } = GENESIS;
  return Array.from({ length }, (_, at) => {
    const entry = facts(at + 1);
    hash = auditHash(hash, entry);
    return { ...entry, hash };
  });
}

/** The head at the end, or the first fault. */
function read(entries: readonly ChainedEntry[]): ChainHead | string {
  let head = GENESIS;
  for (const entry of entries) {
    const next = follow(head, entry);
    if (typeof next === 'string') return next;
    head = next;
  }
  return head;
}

const chain = chainOf(12);
const anywhere = fc.nat({ max: chain.length - 1 });

describe('the chain of an audit', () => {
  it('leads from nothing to its last entry', () => {
    expect(read(chain)).toEqual({ id: 12, hash: chain.at(-1)?.hash });
    expect(read([])).toEqual(GENESIS);
  });

  it('has a hash that anybody can compute: SHA-256 of a JSON array', () => {
    // printf '["%064d",1,1795564800001,"t-1",…]' 0 | sha256sum
    expect(auditHash(GENESIS.hash, facts(1))).toBe('89d4f9745286ba6859aeb58ff2a5ac14054d8e5ddb00a91faa4f853700b6f8b6');
  });

  const changes: Record<string, (entry: ChainedEntry) => ChainedEntry> = {
    'another time': (entry) => ({ ...entry, at: entry.at + 1 }),
    'another actor': (entry) => ({ ...entry, actor: { ...entry.actor, id: 't-2' } }),
    'another name of the actor': (entry) => ({ ...entry, actor: { ...entry.actor, name: 'Ops' } }),
    'another role': (entry) => ({ ...entry, actor: { ...entry.actor, role: 'viewer' } }),
    'another action': (entry) => ({ ...entry, action: 'cluster.disable' }),
    'another subject': (entry) => ({ ...entry, subject: `${entry.subject}0` }),
    'another outcome': (entry) => ({ ...entry, outcome: 'refused' }),
    'another detail': (entry) => ({ ...entry, detail: { ...entry.detail, wide: true } }),
    'one more detail': (entry) => ({ ...entry, detail: { ...entry.detail, more: '' } }),
    'another hash': (entry) => ({ ...entry, hash: entry.hash.replace(/^./, (c) => (c === '0' ? '1' : '0')) }),
  };

  it.each(Object.entries(changes))('breaks at an entry with %s', (_what, change) => {
    fc.assert(
      fc.property(anywhere, (at) => {
        const forged = chain.map((entry, index) => (index === at ? change(entry) : entry));
        expect(read(forged)).toContain(`the hash of entry ${at + 1} `);
      }),
    );
  });

  it('breaks at the next entry when one is changed with its hash', () => {
    const forged = chain.map((entry, index) => {
      if (index !== 4) return entry;
      const changed = { ...entry, subject: 'another' };
      return { ...changed, hash: auditHash(chain[3]?.hash ?? '', changed) };
    });
    expect(read(forged)).toContain('the hash of entry 6 ');
  });

  it('breaks where one was removed, inserted or moved', () => {
    fc.assert(
      fc.property(fc.nat({ max: chain.length - 2 }), (at) => {
        expect(read(chain.toSpliced(at, 1))).toContain('entries are missing');
        expect(read(chain.toSpliced(at + 1, 0, chain[at] as ChainedEntry))).toContain('entries are missing');
        expect(read(chain.toSpliced(at, 2, chain[at + 1] as ChainedEntry, chain[at] as ChainedEntry))).toContain(
          'entries are missing',
        );
      }),
    );
  });
});
