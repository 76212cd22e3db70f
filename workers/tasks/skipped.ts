/** Metadata that could not be set, counted by kind, with a few paths of each. */
import type { SkippedKind } from '../../engine/core/metadata.js';
import type { Skipped, SkippedPaths } from './parts.js';

const EXAMPLES = 10;

export function skippedKinds(skipped: Skipped): [kind: SkippedKind, paths: SkippedPaths][] {
  return Object.entries(skipped) as [SkippedKind, SkippedPaths][];
}

/** Counts one path. */
export function addSkipped(into: Skipped, kind: SkippedKind, path: string): void {
  mergeSkipped(into, { [kind]: { count: 1, paths: [path] } });
}

export function mergeSkipped(into: Skipped, more: Skipped): void {
  for (const [kind, { count, paths }] of skippedKinds(more)) {
    const known = into[kind] ?? { count: 0, paths: [] };
    known.count += count;
    known.paths.push(...paths.slice(0, EXAMPLES - known.paths.length));
    into[kind] = known;
  }
}
