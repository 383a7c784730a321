import { mkdtempSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PodFile, parsePods } from '../../../csr-agent/src/pods/file.ts';
import { PODS } from '../front.ts';

const all = Object.values(PODS);
const text = (pods: object[]) => JSON.stringify(pods);

describe('a pods file', () => {
  it('finds pods by uid, and by node and service account', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'pods-')), 'pods.json');
    writeFileSync(path, text(all));
    const pods = new PodFile(path, { loaded: () => undefined, failed: () => undefined });
    expect(pods.byUid(PODS.reviews.uid)).toMatchObject(PODS.reviews);
    expect(pods.onNode('node-b', 'bookinfo', 'reviews')).toMatchObject([PODS.reviews]);
    expect(pods.onNode('node-a', 'bookinfo', 'reviews')).toEqual([]);
    expect(pods.byUid('none')).toBeUndefined();
    pods.close();
  });

  it('is read again when it changes; a broken one keeps the last good list', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'pods-')), 'pods.json');
    writeFileSync(path, text([PODS.reviews]));
    const old = Date.now() / 1000 - 3600;
    utimesSync(path, old, old);
    const failures: string[] = [];
    const pods = new PodFile(path, { loaded: () => undefined, failed: (error) => failures.push(error.message) });
    writeFileSync(path, '[{');
    await expect.poll(() => failures.length, { timeout: 5000 }).toBe(1);
    expect(pods.byUid(PODS.reviews.uid)).toMatchObject(PODS.reviews);
    writeFileSync(path, text(all));
    await expect.poll(() => pods.byUid(PODS.productpage.uid), { timeout: 5000 }).toMatchObject(PODS.productpage);
    expect(pods.byUid(PODS.reviews.uid)?.knownSince).toBeLessThan(Date.now() - 3_500_000);
    expect(pods.byUid(PODS.productpage.uid)?.knownSince).toBeGreaterThan(Date.now() - 60_000);
    pods.close();
  });

  it.each([
    ['something that is no list', '{}'],
    ['an unknown member', text([{ ...PODS.reviews, phase: 'Running' }])],
    ['a missing member', text([{ ...PODS.reviews, node: undefined }])],
    ['a namespace that Kubernetes would refuse', text([{ ...PODS.reviews, namespace: '*' }])],
    ['two pods of one uid', text([PODS.reviews, PODS.reviews])],
  ])('refuses %s', (_claim, content) => {
    expect(() => parsePods(content)).toThrow(/pod/);
  });
});
