import { PkiError } from '../errors.ts';

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** The first moment that no UTCTime can say (RFC 5280 §4.1.2.5: through 2049 UTCTime, from 2050 GeneralizedTime). */
const FIRST_GENERALIZED = Date.UTC(2050, 0, 1);
const LAST = Date.UTC(10_000, 0, 1);

/**
 * Encodes a moment (ms since 1970, whole seconds, years 1950 to 9999) as the Time of a validity, tag and length included:
 * 15 octets through 2049, 17 from then on.
 */
export function encodeTime(ms: number): Uint8Array {
  if (!Number.isInteger(ms / 1000) || ms < Date.UTC(1950, 0, 1) || ms >= LAST) {
    throw new PkiError('certificate-time', `${ms} ms is no moment of whole seconds between 1950 and 9999`);
  }
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  const generalized = ms >= FIRST_GENERALIZED;
  const out = new Uint8Array(generalized ? 17 : 15);
  out[0] = generalized ? GENERALIZED_TIME : UTC_TIME;
  out[1] = out.length - 2;
  let at = 2;
  const pair = (value: number): void => {
    out[at] = 0x30 + Math.floor(value / 10);
    out[at + 1] = 0x30 + (value % 10);
    at += 2;
  };
  if (generalized) pair(Math.floor(year / 100));
  pair(year % 100);
  pair(date.getUTCMonth() + 1);
  pair(date.getUTCDate());
  pair(date.getUTCHours());
  pair(date.getUTCMinutes());
  pair(date.getUTCSeconds());
  out[at] = 0x5a;
  return out;
}

/**
 * Reads the content of a Time into ms since 1970. Only the DER forms of RFC 5280 §4.1.2.5.1–2: seconds present, `Z`, no
 * fraction, no offset, a date that exists, and the form that belongs to its year.
 */
export function decodeTime(tag: number, content: Uint8Array): number {
  const generalized = tag === GENERALIZED_TIME;
  const digits = generalized ? 14 : 12;
  if ((!generalized && tag !== UTC_TIME) || content.length !== digits + 1 || content[digits] !== 0x5a) {
    throw new PkiError('certificate-time', 'time is neither YYMMDDHHMMSSZ nor YYYYMMDDHHMMSSZ');
  }
  let at = 0;
  let numeric = true;
  const pair = (): number => {
    const high = (content[at] ?? 0) - 0x30;
    const low = (content[at + 1] ?? 0) - 0x30;
    if (high < 0 || high > 9 || low < 0 || low > 9) numeric = false;
    at += 2;
    return high * 10 + low;
  };
  const century = generalized ? pair() : -1;
  const short = pair();
  const year = generalized ? century * 100 + short : short + (short < 50 ? 2000 : 1900);
  const month = pair();
  const day = pair();
  const hour = pair();
  const minute = pair();
  const second = pair();
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(ms);
  // Date.UTC carries 31 February into March (and reads years below 100 as 19xx): what does not read back was no date.
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!numeric || !exists || minute > 59 || second > 59) {
    throw new PkiError('certificate-time', 'time has digits that are no date and time');
  }
  if (generalized !== ms >= FIRST_GENERALIZED) {
    throw new PkiError('certificate-time', 'time is in the form of another century, expected UTCTime through 2049');
  }
  return ms;
}
