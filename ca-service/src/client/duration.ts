const UNITS = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const PARTS = /^(?:(\d{1,6})d)?(?:(\d{1,7})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?$/;

/** `10m`, `24h`, `7d`, `90s`, `1h30m`, in seconds; null for anything else, a bare number included. */
export function parseDuration(text: string): number | null {
  const parts = text === '' ? null : PARTS.exec(text);
  if (parts === null) return null;
  const [, d, h, m, s] = parts.map((part) => Number(part ?? 0));
  return (d ?? 0) * UNITS.d + (h ?? 0) * UNITS.h + (m ?? 0) * UNITS.m + (s ?? 0);
}

/** The shortest form that `parseDuration` reads back: `10m`, `1h30m`, `7d`. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  if (rest === 0) return '0s';
  let text = '';
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}
