/** Finds differences between the trees of two images, from their plans. */
import type { ImageRecord } from '../index/records.js';
import type { PlanEntry } from '../plan/plan.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import { planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import { type FileRecord, fileRecord } from './files.js';

export interface Difference {
  path: string;
  change: 'added' | 'removed' | 'changed';
  before: FileRecord | null;
  after: FileRecord | null;
}

/** Gives differences in byte order of paths. The layer that an entry comes from is no difference. */
export function* compareImages(store: StoreContext, a: ImageRecord, b: ImageRecord): Generator<Difference> {
  const left = layerStackOf(store, a);
  const right = layerStackOf(store, b);
  const before = planOf(store, left).entries;
  const after = planOf(store, right).entries;
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const old = before[i];
    const now = after[j];
    if (now === undefined || (old !== undefined && old.path < now.path)) {
      const record = fileRecord(old as PlanEntry, left.layers);
      yield { path: record.path, change: 'removed', before: record, after: null };
      i++;
    } else if (old === undefined || now.path < old.path) {
      const record = fileRecord(now, right.layers);
      yield { path: record.path, change: 'added', before: null, after: record };
      j++;
    } else {
      i++;
      j++;
      const was = fileRecord(old, left.layers);
      const is = fileRecord(now, right.layers);
      if (!same(was, is)) yield { path: is.path, change: 'changed', before: was, after: is };
    }
  }
}

function same(a: FileRecord, b: FileRecord): boolean {
  const { layer: _a, ...left } = a;
  const { layer: _b, ...right } = b;
  return JSON.stringify(left) === JSON.stringify(right);
}
