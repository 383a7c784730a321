import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CaRoots, watchCaRoots } from '../../../csr-agent/src/edge/ca_roots.ts';
import { encodePem } from '../../../pki/src/pem.ts';
import { makeRoot } from '../support/authority.ts';

const log: Record<string, unknown>[] = [];
const logger = pino({ base: null }, { write: (line: string) => void log.push(JSON.parse(line) as never) });

let folder: string;
let path: string;
let watched: CaRoots | undefined;
let root: string;
let changes: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'roots-'));
  path = join(folder, 'ca.pem');
  root = encodePem('CERTIFICATE', (await makeRoot()).der);
  changes = [];
  log.length = 0;
});
afterEach(() => {
  watched?.close();
  rmSync(folder, { recursive: true });
});

const watch = (text: string): CaRoots => {
  writeFileSync(path, text);
  watched = watchCaRoots(path, logger, (pem) => void changes.push(pem));
  return watched;
};

describe('the roots of the TLS of the CA', () => {
  it('are none without a file', () => expect(watchCaRoots(null, logger, () => undefined).pem).toBeNull());

  it('are as many as the file holds, whatever stands between them', () => {
    const text = `# first\n${root}\nsubject=second\n${root}`;
    expect(watch(text).pem).toBe(text);
  });

  it('are told again when the file changes', async () => {
    watch(root);
    writeFileSync(path, root + root);
    await expect.poll(() => changes, { timeout: 5_000 }).toEqual([root + root]);
    expect(log).toMatchObject([{ path, msg: 'roots of the TLS of the CA loaded' }]);
  });

  it('stay as they were when the changed file holds none, and the log says why', async () => {
    watch(root);
    writeFileSync(path, '');
    await expect.poll(() => log.length, { timeout: 5_000 }).toBe(1);
    expect(log[0]).toMatchObject({ level: 50, reason: `${path} holds no PEM certificate` });
    expect(changes).toEqual([]);
  });

  it.each([
    ['nothing', '', 'holds no PEM certificate'],
    ['a key', encodePem('PRIVATE KEY', new Uint8Array(8)), 'holds no PEM certificate'],
    ['a certificate that is none', encodePem('CERTIFICATE', new Uint8Array(8)), 'certificate 2 of 2 cannot be read'],
  ])('are a fault at the start when the file holds %s', (_, text, fault) => {
    expect(() => watch((fault.includes('2 of 2') ? root : '') + text)).toThrow(fault);
  });
});
