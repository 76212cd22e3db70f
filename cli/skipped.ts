/** Says what a tree lacks because the system would not let us set it. */
import { printable } from '../engine/bytes.js';
import type { Skipped } from '../workers/protocol.js';

export function saySkipped(say: (message: string) => void, skipped: Skipped): void {
  for (const [what, { count, paths }] of Object.entries(skipped)) {
    const [first] = paths;
    const example = first === '' ? '.' : first;
    say(printable(`not set: ${what} of ${count} ${count === 1 ? 'path' : 'paths'}, for example ${example}`));
  }
}
