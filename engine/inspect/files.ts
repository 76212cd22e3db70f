/** Reads an image's tree without rendering it: the plan as records, and single files. */
import { isUtf8, toBuffer, toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { keyOfHex } from '../core/key.js';
import type { NodeType } from '../core/metadata.js';
import { formatMode, formatTime } from '../core/metadata.js';
import type { ImageRecord } from '../index/records.js';
import { childrenOf, isBelow } from '../plan/look-up.js';
import type { PlanEntry } from '../plan/plan.js';
import { mustBeComplete } from '../resolve/completeness.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import { mustFind, type PathInImage, shownPath } from '../resolve/path-in-image.js';
import { recentPlan } from '../resolve/recent-plans.js';
import type { StoreContext } from '../session/context.js';

/** One path of a tree, as text. */
export interface FileRecord {
  /** `.` for the root; others without a leading slash. */
  path: string;
  /** The bytes of a path that is not UTF-8. */
  pathBase64?: string;
  type: NodeType;
  /** Four octal digits or more. */
  mode: string;
  uid: number;
  gid: number;
  /** Seconds since 1970, with their fraction. */
  mtime: number;
  size: number;
  key?: Key;
  /** A symlink's target. */
  link?: string;
  linkBase64?: string;
  /** The first path that shares the inode. */
  group?: string;
  dev?: { major: number; minor: number };
  /** Name → base64. */
  xattrs?: Record<string, string>;
  /** The key of the entry's layer; absent for a directory that no layer declares. */
  layer?: Key;
}

/**
 * The plan of an image, in byte order of paths: all of it, or one path and what is below it.
 * @throws CairnError `ERR_NOT_FOUND` for a path that the image does not have; as planning does
 */
export function* filesOf(store: StoreContext, image: ImageRecord, path: PathInImage = ''): Generator<FileRecord> {
  const stack = layerStackOf(store, image);
  const plan = recentPlan(store, stack);
  const top = path.length === 0 ? '' : mustFind(plan, image, path, false).path;
  for (const entry of plan.entries) if (isBelow(entry.path, top)) yield fileRecord(entry, stack.layers);
}

export function fileRecord(entry: PlanEntry, layers: readonly Key[]): FileRecord {
  const record: FileRecord = {
    path: entry.path === '' ? '.' : toText(entry.path),
    type: entry.type,
    mode: formatMode(entry.type === 'symlink' ? 0o777 : entry.mode),
    uid: entry.uid,
    gid: entry.gid,
    mtime: Number(formatTime(entry.sec, entry.nsec)),
    size: entry.size,
  };
  if (!isUtf8(entry.path)) record.pathBase64 = toBuffer(entry.path).toString('base64');
  if (entry.type === 'file') record.key = keyOfHex(entry.key);
  if (entry.type === 'symlink') {
    record.link = toText(entry.link);
    if (!isUtf8(entry.link)) record.linkBase64 = toBuffer(entry.link).toString('base64');
  }
  if (entry.group !== '') record.group = toText(entry.group);
  if (entry.type === 'char' || entry.type === 'block') record.dev = { major: entry.devMajor, minor: entry.devMinor };
  if (entry.xattrs.length > 0) {
    record.xattrs = Object.fromEntries(entry.xattrs.map(({ name, value }) => [toText(name), value.toString('base64')]));
  }
  const layer = layers[entry.layer];
  if (layer !== undefined) record.layer = layer;
  return record;
}

/**
 * The content of one file of an image, in chunks. Symlinks are followed inside the tree.
 * @throws CairnError `ERR_NOT_FOUND` for a path that leads to no file; `ERR_DAMAGED`, at the latest with the last
 * chunk, when the bytes read are not the content of the file
 */
export function readFileOf(
  store: StoreContext,
  image: ImageRecord,
  path: PathInImage,
  { start = 0, end }: ReadOptions = {},
): Iterable<Buffer> {
  const stack = layerStackOf(store, image);
  mustBeComplete(store, stack);
  const entry = mustFind(recentPlan(store, stack), image, path, true);
  if (entry.type !== 'file') throw otherType(path, entry, 'a file');
  const { size, key: sha512 } = entry;
  const to = Math.min(size, end ?? size);
  const isWhole = start <= 0 && to === size;
  const part: [number, number] = [start, Math.max(0, to - start)];
  return bytesOf(store, store.objects.nameOf(entry), isWhole ? { size, sha512 } : { size, parts: [part] });
}

/** Reads outside of all operations, so nobody else closes what it opens. */
function* bytesOf(
  { objects }: StoreContext,
  name: string,
  expected: Parameters<StoreContext['objects']['open']>[1],
): Generator<Buffer> {
  try {
    yield* objects.open(name, expected);
  } finally {
    objects.close();
  }
}

/** Which bytes of a file: from `start` on, before `end`. Only all bytes together have the file's hash. */
export interface ReadOptions {
  start?: number;
  end?: number;
}

export interface StatOptions {
  /** Whether a symlink at the end of the path is followed, as those before it are; true by default. */
  followLink?: boolean;
}

/**
 * What a path leads to, through symlinks inside the tree.
 * @throws CairnError `ERR_NOT_FOUND`; as planning does
 */
export function statOf(
  store: StoreContext,
  image: ImageRecord,
  path: PathInImage,
  { followLink = true }: StatOptions = {},
): FileRecord {
  const stack = layerStackOf(store, image);
  return fileRecord(mustFind(recentPlan(store, stack), image, path, followLink), stack.layers);
}

/**
 * What is directly in the directory that a path leads to, in byte order of names.
 * @throws CairnError `ERR_NOT_FOUND` for a path that leads to no directory; as planning does
 */
export function readDirOf(store: StoreContext, image: ImageRecord, path: PathInImage): FileRecord[] {
  const stack = layerStackOf(store, image);
  const plan = recentPlan(store, stack);
  const dir = mustFind(plan, image, path, true);
  if (dir.type !== 'dir') throw otherType(path, dir, 'a directory');
  return childrenOf(plan, dir.path).map((entry) => fileRecord(entry, stack.layers));
}

function otherType(path: PathInImage, { type }: PlanEntry, wanted: string): CairnError {
  const shown = shownPath(path);
  return new CairnError('ERR_NOT_FOUND', `${shown} is a ${type}, not ${wanted}`, { entry: shown });
}
