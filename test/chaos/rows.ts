import { KILL_ROWS } from './kills.ts';
import { OUTAGE_ROWS } from './outage.ts';
import type { Row } from './row.ts';
import { WIRE_ROWS } from './wire.ts';

/** In the order of the table. */
export const ROWS: readonly Row[] = [...WIRE_ROWS, ...OUTAGE_ROWS, ...KILL_ROWS];
