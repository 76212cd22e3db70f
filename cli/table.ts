/** Text in columns. */
import { TREE_PREFIX } from '../engine/core/key.js';
import { printable } from '../engine/core/printable.js';

/** A longer cell is cut, since all cells of its column are padded to the longest. Keys and references of images fit. */
const WIDEST_CELL = 512;

/** Left-aligned columns under their headings, two spaces apart; empty for no rows. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const all = [headings, ...rows.map((row) => row.map(fitting))];
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

function fitting(cell: string): string {
  // Cut first: making the rest printable would take time for nothing.
  const shown = printable(cell.slice(0, WIDEST_CELL + 1));
  return shown.length > WIDEST_CELL ? `${shown.slice(0, WIDEST_CELL - 1)}…` : shown;
}

/** A key that people can type: `sha512-` and twelve digits. */
export function shortKey(key: string): string {
  return key.slice(0, 'sha512-'.length + 12);
}

export function shortTree(id: string): string {
  return `${TREE_PREFIX}${shortKey(id.slice(TREE_PREFIX.length))}`;
}
