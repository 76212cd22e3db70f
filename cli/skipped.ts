/** Says what a tree lacks because the system would not let us set it. */
import type { Skipped } from '../workers/protocol.js';

export function saySkipped(say: (message: string) => void, skipped: Skipped): void {
  for (const [what, { count, paths }] of Object.entries(skipped)) {
    say(
      `not set: ${what} of ${count} ${count === 1 ? 'path' : 'paths'}, for example ${paths[0] === '' ? '.' : paths[0]}`,
    );
  }
}
