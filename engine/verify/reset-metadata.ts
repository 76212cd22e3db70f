/**
 * Gives objects their metadata again whose content is right: a copy of the store, or a touch, has changed it. Files of
 * trees that share an inode with an object get theirs with it.
 */
import { xattrsOfObjects } from '../content/layer-objects.js';
import type { SkippedKind } from '../core/metadata.js';
import type { ObjectFile } from '../core/object.js';
import type { ObjectRecord } from '../index/records.js';
import type { ObjectHome } from '../objects/home.js';
import { fileNameOf } from '../objects/name.js';
import type { StoreContext } from '../session/context.js';
import type { Mended } from './fsck.js';

/** Object → number of a copy → what is wrong with its file. */
export type FileFaults = Map<string, Map<number, string>>;

export function note(faults: FileFaults, { name, copy }: ObjectFile, what: string): void {
  const known = faults.get(name) ?? new Map<number, string>();
  known.set(copy, known.has(copy) ? `${known.get(copy)}, ${what}` : what);
  faults.set(name, known);
}

export interface Reset {
  mended: Mended[];
  /** Object → metadata that could not be set. */
  skipped: Map<string, SkippedKind[]>;
  /** Files whose metadata nobody knows any more. */
  unknown: { name: string; copy: number; what: string }[];
}

export function resetMetadata(
  store: StoreContext,
  drifted: FileFaults,
  records: ReadonlyMap<string, Pick<ObjectRecord, 'skipped'>>,
): Reset {
  const result: Reset = { mended: [], skipped: new Map(), unknown: [] };
  if (drifted.size === 0) return result;
  const { index, objects, staging } = store;
  const xattrs = xattrsOfObjects(store, index.layers.values(), new Set(drifted.keys()));
  const { identity } = staging;
  for (const [name, copies] of drifted) {
    const known = { xattrs: xattrs.get(name), skipped: records.get(name)?.skipped ?? [], identity };
    for (const [copy, what] of copies) {
      const lacks = objects.resetMetadata({ name, copy }, known);
      if (lacks === undefined) {
        result.unknown.push({ name, copy, what });
        continue;
      }
      result.skipped.set(name, [...new Set([...(result.skipped.get(name) ?? []), ...lacks])]);
      const news = lacks.filter((kind) => !known.skipped.includes(kind));
      const except = news.length === 0 ? '' : `; not set: ${news.join(', ')}`;
      const id = fileNameOf({ name, copy });
      result.mended.push({ kind: 'object', id, what: what + except, action: 'metadata set again' });
    }
  }
  return result;
}

/** Lets this process read what it is to look at. @returns the files whose modes did not allow that */
export function unlock(home: ObjectHome, objects: ReadonlyMap<string, ObjectRecord>): FileFaults {
  const unlocked: FileFaults = new Map();
  for (const [name, { copies }] of objects) {
    for (let copy = 0; copy <= copies; copy++) {
      const file = { name, copy };
      if (home.unlock(file)) note(unlocked, file, 'its owner could not read it');
    }
  }
  return unlocked;
}
