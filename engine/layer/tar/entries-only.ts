/** A sink for readers that want an archive's entries and neither their content nor its frame. */
import type { TarEntry } from './entry.js';
import type { TarSink } from './scan.js';

/** @param onEntry gets each entry; what it throws ends the scan */
export function entriesOnly(onEntry: (entry: TarEntry) => void): TarSink {
  return { frame: ignore, entry: onEntry, content: ignore, hole: ignore, entryEnd: ignore };
}

function ignore(): void {}
