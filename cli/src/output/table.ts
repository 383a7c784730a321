/** Rows under headings, columns padded to the widest cell, two spaces apart; no rule lines, so that `awk` works on it. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings.map((h) => h.toUpperCase()), ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))));
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - width(cell)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** `label  value` lines; a value of several lines is indented under the first. */
export function pairs(entries: readonly (readonly [string, string])[], indent = ''): string {
  const longest = Math.max(0, ...entries.map(([label]) => width(label)));
  return entries
    .map(([label, value]) => {
      const gap = `${indent}${label}${' '.repeat(longest - width(label))}  `;
      return `${gap}${value.split('\n').join(`\n${' '.repeat(gap.length)}`)}`.trimEnd() + '\n';
    })
    .join('');
}

function width(text: string): number {
  return Array.from(text).length;
}
