import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { quantile } from './load.ts';

const DATA = new Uint8Array(400).fill(7);

/** CPU microseconds of one P-256 verification and one signature, that is of what no CA can do without. */
export function cryptoFloor(forMs: number): number {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signature = sign('sha256', DATA, privateKey);
  const began = process.cpuUsage();
  let pairs = 0;
  for (const end = performance.now() + forMs; performance.now() < end; pairs++) {
    if (!verify('sha256', DATA, publicKey, signature)) throw new Error('a good signature does not verify');
    sign('sha256', DATA, privateKey);
  }
  const used = process.cpuUsage(began);
  return (used.user + used.system) / pairs;
}

/** Milliseconds of one write of 8 KiB with fsync at the end of a file in `folder`: the median of `count`. */
export function fsyncFloor(folder: string, count: number): number {
  const path = join(folder, 'bench-fsync');
  const file = openSync(path, 'w');
  const block = new Uint8Array(8_192).fill(1);
  const times: number[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const began = performance.now();
      writeSync(file, block);
      fsyncSync(file);
      times.push(performance.now() - began);
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
  return quantile(times, 0.5);
}
