/** Reports metadata that a tree lacks because the system refused to set it. */
import { printable } from '../engine/core/printable.js';
import type { Skipped } from '../workers/tasks/parts.js';
import { skippedKinds } from '../workers/tasks/skipped.js';

/** Each name of an extended attribute is a kind of its own, so that a hostile image has any number of kinds. */
const LINES = 10;

export function saySkipped(say: (message: string) => void, skipped: Skipped): void {
  const all = skippedKinds(skipped);
  for (const [what, { count, paths }] of all.slice(0, LINES)) {
    const [first] = paths;
    const example = first === '' ? '.' : first;
    say(printable(`not set: ${what} of ${count} ${count === 1 ? 'path' : 'paths'}, for example ${example}`));
  }
  if (all.length > LINES) say(`not set: … and ${all.length - LINES} more`);
}
