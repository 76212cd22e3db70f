/** Says what a tree lacks because the system would not let us set it. */
import { printable } from '../engine/core/printable.js';
import type { Skipped } from '../workers/tasks/parts.js';

/** An image may have as many kinds of what cannot be set as it has names for extended attributes. */
const MAX_LINES = 10;

export function saySkipped(say: (message: string) => void, skipped: Skipped): void {
  const all = Object.entries(skipped);
  for (const [what, { count, paths }] of all.slice(0, MAX_LINES)) {
    const [first] = paths;
    const example = first === '' ? '.' : first;
    say(printable(`not set: ${what} of ${count} ${count === 1 ? 'path' : 'paths'}, for example ${example}`));
  }
  if (all.length > MAX_LINES) say(`not set: … and ${all.length - MAX_LINES} more`);
}
