/** Moves objects that lie in packs to files, each with its metadata. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { deletePaths } from '../content/delete.js';
import { dropAllPlans } from '../content/plan-cache.js';
import { readToc } from '../content/read-blob.js';
import { verifyObjects } from '../content/verify-files.js';
import { batches } from '../core/batches.js';
import { mapped } from '../core/mapped.js';
import type { SkippedKind } from '../core/metadata.js';
import type { FileContent } from '../core/object.js';
import { type OperationOptions, telling } from '../core/operation.js';
import { makeOnce, moveIntoFreePlace } from '../disk/durable.js';
import { LAYOUT_KEY } from '../index/open.js';
import { forgetPack } from '../index/packs.js';
import type { ObjectRecord } from '../index/records.js';
import { packedName } from '../objects/pack/name.js';
import { objectsIn } from '../session/choose-home.js';
import type { StoreContext } from '../session/context.js';
import { retotal } from './retotal.js';

interface WantedObject {
  file: FileContent;
  size: number;
  refs: number;
}
type Wanted = Map<string, WantedObject>;

/** @throws CairnError `ERR_DAMAGED` for a content that is not what it should be: nothing has moved then */
export async function repackToLoose(store: StoreContext, options: OperationOptions): Promise<void> {
  const { index } = store;
  const wanted = objectsWanted(store);
  const there = await soundFiles(store, wanted, options);
  const missing = [...wanted].filter(([name]) => !there.has(name) && !isGone(store, name)).map(([, each]) => each);
  const skipped = await unpack(store, missing, options);
  await index.commit(() => listLoose(store, wanted, { there, skipped }));
  dropAllPlans(store);
}

/**
 * Files that trees share, and those of an earlier attempt, are what objects would be made anew as, unless somebody
 * wrote to them. Deletes those that are not.
 * @returns names of the others
 */
async function soundFiles(
  { pool, layout, index }: StoreContext,
  wanted: Wanted,
  options: OperationOptions,
): Promise<Set<string>> {
  const loose = objectsIn(layout, 'loose', index);
  const there = new Map<string, ObjectRecord>();
  for (const [name, { size, refs }] of wanted) if (loose.has(name)) there.set(name, { size, refs, copies: 0 });
  const onProgress = telling(options, { what: 'looking', unit: 'items', total: there.size });
  const { findings } = await pool.during({ signal: options.signal, onProgress }, (work) =>
    verifyObjects(loose, there, { work, quick: false }),
  );
  for (const { file } of findings) {
    there.delete(file.name);
    loose.deleteOne(file.name);
  }
  return new Set(there.keys());
}

/** The objects that layers need, by the names that they have as files. */
function objectsWanted(store: StoreContext): Wanted {
  const loose = objectsIn(store.layout, 'loose', store.index);
  const wanted: Wanted = new Map();
  for (const layer of store.index.layers.values()) {
    if (layer.uncounted === true) continue;
    const own = new Map<string, { file: FileContent; size: number }>();
    for (const entry of readToc(store, layer.key)) {
      if (entry.type === 'file') own.set(loose.nameOf(entry), { file: entry, size: entry.size });
    }
    for (const [name, each] of own) {
      const known = wanted.get(name);
      if (known === undefined) wanted.set(name, { ...each, refs: 1 });
      else known.refs++;
    }
  }
  return wanted;
}

const HASH_DIGITS = 128;

function isGone({ index }: StoreContext, looseName: string): boolean {
  return index.objects.get(packedName(looseName.slice(0, HASH_DIGITS)))?.gone === true;
}

/** @returns object → metadata that its file could not get */
async function unpack(
  store: StoreContext,
  objects: readonly WantedObject[],
  options: OperationOptions,
): Promise<Record<string, SkippedKind[]>> {
  const { pool, staging, layout, index, disk } = store;
  const loose = objectsIn(layout, 'loose', index);
  const dir = staging.make();
  const onProgress = telling(options, { what: 'repacking', unit: 'items', total: objects.length });
  const where = { from: store.objects.at, to: loose.at, identity: staging.identity };
  const cut = batches(objects, ({ size }) => size);
  const dirs = cut.map((_batch, i) => join(dir, `${i}`));
  for (const each of dirs) makeOnce(each);
  try {
    const tasks = mapped([...cut.entries()], ([i, batch]) => ({
      ...where,
      staging: dirs[i] as string,
      files: batch.map(({ file, size }) => ({ file: plain(file), size, hasHoles: hasHoles(store, file) })),
    }));
    const work = pool.during({ signal: options.signal, onProgress }, (all) => all.map('unpack-objects', tasks));
    const skipped = await work;
    await disk.sync();
    for (const each of dirs) {
      for (const { from, to } of loose.movesFrom(each)) {
        if (!moveIntoFreePlace(from, to))
          for (const name of fs.readdirSync(from)) moveIntoFreePlace(`${from}/${name}`, `${to}/${name}`);
      }
    }
    await disk.sync();
    return Object.assign({}, ...skipped) as Record<string, SkippedKind[]>;
  } finally {
    await deletePaths(pool, [dir]);
  }
}

function hasHoles({ index }: StoreContext, { key }: FileContent): boolean {
  return index.objects.get(packedName(key))?.at === undefined;
}

/** What crosses to a worker of a file. */
function plain({ key, mode, uid, gid, sec, nsec, xattrs }: FileContent): FileContent {
  return { key, mode, uid, gid, sec, nsec, xattrs };
}

interface Unpacked {
  /** Files that were there. */
  there: ReadonlySet<string>;
  skipped: Readonly<Record<string, SkippedKind[]>>;
}

/** Runs inside the transaction. */
function listLoose(store: StoreContext, wanted: Wanted, { there, skipped }: Unpacked): void {
  const { index } = store;
  const lacking = new Map(Object.entries(skipped));
  const gone = new Set<string>();
  for (const { key: name, value } of [...index.objects.entries()]) {
    if (value.gone === true) gone.add(name);
    index.objects.remove(name);
    if (index.orphans.has({ kind: 'object', name })) index.orphans.remove({ kind: 'object', name });
  }
  let bytes = 0;
  for (const [name, { size, refs }] of wanted) {
    const record: ObjectRecord = { size, refs, copies: 0 };
    const lacks = lacking.get(name);
    if (lacks !== undefined) record.skipped = lacks;
    index.noteLacks(lacks);
    if (gone.has(packedName(name.slice(0, HASH_DIGITS))) && !there.has(name)) record.gone = true;
    else bytes += size;
    index.objects.put(name, record);
  }
  for (const pack of [...index.packs.keys()]) forgetPack(index, pack);
  for (const at of [...index.dead.keys()]) index.dead.remove(at);
  retotal(index, wanted.size, bytes);
  index.meta.put(LAYOUT_KEY, 'loose');
}
