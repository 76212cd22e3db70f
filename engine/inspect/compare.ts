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
  /** For a changed path, the fields that differ: `content`, `mode`, `owner`, `mtime`, `type`, `link`, … */
  fields: string[];
  before: FileRecord | null;
  after: FileRecord | null;
}

export interface CompareOptions {
  /** Also directories whose time alone differs: each file that comes or goes changes that. */
  directoryTimes?: boolean;
}

/** Gives differences in byte order of paths. The layer that an entry comes from is no difference. */
export function* compareImages(
  store: StoreContext,
  [a, b]: readonly [ImageRecord, ImageRecord],
  { directoryTimes = false }: CompareOptions = {},
): Generator<Difference> {
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
      yield { path: record.path, change: 'removed', fields: [], before: record, after: null };
      i++;
    } else if (old === undefined || now.path < old.path) {
      const record = fileRecord(now, right.layers);
      yield { path: record.path, change: 'added', fields: [], before: null, after: record };
      j++;
    } else {
      i++;
      j++;
      const was = fileRecord(old, left.layers);
      const is = fileRecord(now, right.layers);
      const fields = changedFields(was, is);
      const onlyTime = is.type === 'dir' && fields.length === 1 && fields[0] === 'mtime';
      if (fields.length === 0 || (onlyTime && !directoryTimes)) continue;
      yield { path: is.path, change: 'changed', fields, before: was, after: is };
    }
  }
}

/** The words for fields of records. A file's key stands for its size, too. */
const WORDS: readonly (readonly [word: string, fields: readonly (keyof FileRecord)[]])[] = [
  ['type', ['type']],
  ['content', ['key', 'size']],
  ['link', ['link', 'linkBase64']],
  ['device', ['dev']],
  ['mode', ['mode']],
  ['owner', ['uid', 'gid']],
  ['xattrs', ['xattrs']],
  ['mtime', ['mtime']],
  ['hard links', ['group']],
];

function changedFields(a: FileRecord, b: FileRecord): string[] {
  const differs = (field: keyof FileRecord): boolean => JSON.stringify(a[field]) !== JSON.stringify(b[field]);
  return WORDS.filter(([, fields]) => fields.some(differs)).map(([word]) => word);
}
