/** Text in columns. */
import { printable } from '../engine/bytes.js';

/** Left-aligned columns under their headings, two spaces apart; empty for no rows. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const all = [headings, ...rows.map((row) => row.map(printable))];
  const widths = headings.map((_heading, column) =>
    all.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0),
  );
  return all
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] as number))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** A key as people can still type it: `sha512-` and twelve digits. */
export function shortKey(key: string): string {
  return key.slice(0, 'sha512-'.length + 12);
}

export function shortTree(id: string): string {
  return id.slice(0, 'deps-sha512-'.length + 12);
}
