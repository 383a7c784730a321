import { describe, expect, it } from 'vitest';
import { Admission } from '../../../csr-agent/src/grpc/admission.ts';

function crowd(maximum: number) {
  const ended: string[] = [];
  const busy = new Set<string>();
  let crowded = 0;
  const admission = new Admission(maximum, () => crowded++);
  const come = (...peers: string[]): boolean[] =>
    peers.map((peer) => admission.admit(peer, { end: () => void ended.push(peer), busy: () => busy.has(peer) }));
  return { admission, ended, busy, come, crowded: () => crowded };
}

describe('more connections than there may be', () => {
  it('none goes while there is room', () => {
    const { come, ended, crowded, admission } = crowd(3);
    expect(come('a', 'b', 'c')).toEqual([true, true, true]);
    admission.remove('b');
    expect(come('d')).toEqual([true]);
    expect([ended, crowded(), admission.size]).toEqual([[], 0, 3]);
  });

  it('the oldest stranger goes first', () => {
    const { come, ended, crowded, admission } = crowd(3);
    come('a', 'b', 'c', 'd', 'e');
    expect([ended, crowded(), admission.size]).toEqual([['a', 'b'], 2, 3]);
  });

  it('one that has proven itself outlives any number of strangers', () => {
    const { come, ended, admission } = crowd(3);
    come('ztunnel');
    admission.prove('ztunnel', 'pod');
    come(...Array.from({ length: 1_000 }, (_, i) => `stranger-${i}`));
    expect(ended).not.toContain('ztunnel');
    expect(ended).toHaveLength(998);
  });

  it('without strangers the one that was used longest ago goes, unless a call is open on it', () => {
    const { come, ended, busy, admission } = crowd(3);
    come('a', 'b', 'c');
    for (const peer of ['a', 'b', 'c', 'a']) admission.prove(peer, `pod-${peer}`);
    busy.add('b');
    expect(come('d')).toEqual([true]);
    expect(ended).toEqual(['c']);
  });

  it('when all are at work the newcomer is refused, and nobody else', () => {
    const { come, ended, busy, admission, crowded } = crowd(2);
    come('a', 'b');
    for (const peer of ['a', 'b']) {
      admission.prove(peer, `pod-${peer}`);
      busy.add(peer);
    }
    expect(come('c')).toEqual([false]);
    expect([ended, crowded(), admission.size]).toEqual([[], 1, 2]);
  });

  it('a caller with many connections keeps sixteen; its others are strangers, at work or not', () => {
    const { come, ended, busy, admission } = crowd(40);
    come('ztunnel');
    admission.prove('ztunnel', 'ztunnel');
    const thief = Array.from({ length: 39 }, (_, i) => `thief-${i}`);
    come(...thief);
    for (const peer of thief) {
      admission.prove(peer, 'thief');
      busy.add(peer);
    }
    busy.add('ztunnel');
    expect(come(...Array.from({ length: 23 }, (_, i) => `newcomer-${i}`))).not.toContain(false);
    expect(ended).toEqual(thief.slice(0, 23));
  });

  it('connections that end leave nothing behind', () => {
    const { come, admission } = crowd(100);
    for (let round = 0; round < 3; round++) {
      const peers = Array.from({ length: 20 }, (_, i) => `peer-${i}`);
      expect(come(...peers)).not.toContain(false);
      for (const peer of peers) admission.prove(peer, 'pod');
      for (const peer of peers) admission.remove(peer);
      expect(admission.size).toBe(0);
    }
  });

  it('a peer that is not there proves nothing', () => {
    const { admission } = crowd(2);
    admission.prove('nobody', 'pod');
    expect(admission.size).toBe(0);
  });
});
