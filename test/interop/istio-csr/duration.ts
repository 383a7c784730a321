import { X509Certificate } from 'node:crypto';
import { leafBackdateSeconds } from '../../../pki/src/lifetimes.ts';
import type { Row } from './row.ts';
import { PODS, type Stand } from './stand.ts';

const FLOOR = 600;
const MAXIMUM = 7 * 86_400;

/** Rows 37 to 39: for how long. The cluster of `npm start` gives ten minutes to seven days. */
export function durations(stand: () => Stand): Row[] {
  const served = { theirs: 'OK', ours: 'OK' } as const;
  const row = (row: number, seconds: number, clamped: number): Row => ({
    row,
    name: `${seconds} s asked, 0.9 to 1 of ${clamped} s granted`,
    ...served,
    ask: () => stand().ask({ as: PODS.a, seconds }),
    check: (chain) => {
      const { validFromDate, validToDate } = new X509Certificate(chain[0] ?? '');
      const granted = (validToDate.getTime() - validFromDate.getTime()) / 1000 - leafBackdateSeconds(clamped);
      if (granted > clamped || granted < 0.9 * clamped) throw new Error(`${granted} s granted, ${seconds} s asked`);
    },
  });
  return [row(37, 1800, 1800), row(38, 2 * MAXIMUM, MAXIMUM), row(39, 100, FLOOR), row(39, 86_400, 86_400)];
}
