/** Metadata that could not be set, counted by kind, with a few paths of each. */
import type { Skipped } from './parts.js';

const EXAMPLES = 10;

/** Counts one path. */
export function addSkipped(into: Skipped, what: string, path: string): void {
  mergeSkipped(into, { [what]: { count: 1, paths: [path] } });
}

export function mergeSkipped(into: Skipped, more: Skipped): void {
  for (const [what, { count, paths }] of Object.entries(more)) {
    into[what] ??= { count: 0, paths: [] };
    const known = into[what] as Skipped[string];
    known.count += count;
    known.paths.push(...paths.slice(0, EXAMPLES - known.paths.length));
  }
}
