import { CLOCK_ROWS } from './clock.ts';
import { DISK_ROWS } from './disk.ts';
import { KILL_ROWS } from './kills.ts';
import { OUTAGE_ROWS } from './outage.ts';
import type { Row } from './row.ts';
import { WIRE_ROWS } from './wire.ts';
import { ZTUNNEL_ROWS } from './ztunnels.ts';

/** In the order of the table. */
export const ROWS: readonly Row[] = [
  ...WIRE_ROWS,
  ...OUTAGE_ROWS,
  ...ZTUNNEL_ROWS,
  ...DISK_ROWS,
  ...CLOCK_ROWS,
  ...KILL_ROWS,
];
