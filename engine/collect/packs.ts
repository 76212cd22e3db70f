/**
 * Gives the space of packs back: what objects left behind, and what imports that failed did. First the index says that
 * a part is dead, in the transaction that forgets its object. Then holes are punched, and only when those are on disk
 * does the index forget the dead parts. A crash in between leaves dead parts, which are punched once more.
 *
 * Runs while nobody relies on objects, so no import fills a pack meanwhile.
 */
import * as fs from 'node:fs';
import { deletePaths } from '../content/delete.js';
import { deadParts, openPack, punchDead } from '../content/punch-dead.js';
import { naming, throwIfAborted, toCairnError } from '../core/errors.js';
import { BLOCK } from '../core/extent.js';
import type { OperationOptions } from '../core/operation.js';
import { syncDirectory } from '../disk/durable.js';
import { tryLock } from '../disk/lock.js';
import { forgetPack } from '../index/packs.js';
import type { PackRecord } from '../index/records.js';
import { idOfPackFile, packFileName } from '../objects/pack/format.js';
import { packedName } from '../objects/pack/name.js';
import { readSegments } from '../objects/pack/read-tables.js';
import type { PackedContent } from '../objects/pack/rows.js';
import { type DeadPart, unusedParts } from '../objects/pack/unused-parts.js';
import type { StoreContext } from '../session/context.js';

/** Deletes files that trees shared and no tree has any more. */
export function dropUnusedLinks(store: StoreContext): Promise<void> {
  return deletePaths(store.pool, [...store.objects.unusedLinks()]);
}

export async function collectPacks(store: StoreContext, { signal }: OperationOptions = {}): Promise<void> {
  // What this process appended to last is collected as well.
  store.lanes?.letGo();
  for (const { key: pack, value } of [...store.index.packs.entries()]) {
    throwIfAborted(signal);
    const leaked = value.end - BLOCK - value.used - value.dead - value.other;
    if (leaked > 0) await noteLeaks(store, pack);
    const known = store.index.packs.get(pack);
    if (known === undefined || (known.used === 0 && (await deletePack(store, pack)))) continue;
    if (known.dead > 0) await punchDead(store, { pack });
    cutGarbage(store, pack);
  }
  deleteUnlisted(store);
}

/** Packs of a store without packs: a repack was killed that was to fill them, or had emptied them. */
export async function dropUnfinishedPacks(store: StoreContext): Promise<void> {
  const { index, layout, pool } = store;
  if (!fs.existsSync(layout.packs)) return;
  const known = [...index.packs.keys()];
  if (known.length > 0) {
    await index.commitRemoval(() => {
      for (const pack of known) forgetPack(index, pack);
    });
  }
  await deletePaths(pool, [layout.packs]);
}

/** Cuts off what imports that died have left behind the end of a pack, unless another session appends to it. */
function cutGarbage(store: StoreContext, pack: number): void {
  const { index, layout } = store;
  const path = pathOf(store, pack);
  const isLonger = (): boolean => {
    const size = fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return size > (index.packs.get(pack)?.end ?? Number.POSITIVE_INFINITY);
  };
  if (!isLonger()) return;
  const lock = tryLock(layout.packLock(pack), true);
  if (lock === undefined) return;
  try {
    index.refresh();
    if (isLonger()) naming(path, () => fs.truncateSync(path, index.packs.get(pack)?.end));
  } catch (error) {
    throw toCairnError(error);
  } finally {
    lock.release();
  }
}

const pathOf = ({ layout }: StoreContext, pack: number): string => `${layout.packs}/${packFileName(pack)}`;

/**
 * Finds anew what is dead in a pack: all that no object stands for. Some of it belongs to an import that failed after
 * it was read. Some was punched before, and will be once more.
 */
async function noteLeaks(store: StoreContext, pack: number): Promise<void> {
  const { index } = store;
  const end = index.packs.get(pack)?.end ?? BLOCK;
  const fd = openPack(store, pack, fs.constants.O_RDONLY);
  if (fd === undefined) return;
  const isUsed = ({ sha512, offset }: PackedContent): boolean => {
    const at = index.objects.get(packedName(sha512))?.at;
    return at?.pack === pack && at.offset === offset;
  };
  let dead: DeadPart[];
  try {
    dead = [...readSegments(fd, end)].flatMap((segment) => [...unusedParts(segment, isUsed)]);
  } finally {
    fs.closeSync(fd);
  }
  await index.commitRemoval(() => {
    const known = index.packs.get(pack) as PackRecord;
    for (const { offset } of [...deadParts(store, { pack })]) index.dead.remove({ pack, offset });
    for (const { offset, length } of dead) index.dead.put({ pack, offset }, length);
    const bytes = dead.reduce((sum, { length }) => sum + length, 0);
    index.packs.put(pack, { ...known, dead: bytes, other: known.end - BLOCK - known.used - bytes });
  });
}

/** Deletes a pack that nothing needs, unless another session appends to it. @returns whether it is gone */
async function deletePack(store: StoreContext, pack: number): Promise<boolean> {
  const lock = tryLock(store.layout.packLock(pack), true);
  if (lock === undefined) return false;
  try {
    return await deleteLocked(store, pack);
  } finally {
    lock.release();
  }
}

/** Deletes a pack that nothing needs. The caller holds its lock. @returns whether it is gone */
export async function deleteLocked(store: StoreContext, pack: number): Promise<boolean> {
  const { index } = store;
  index.refresh();
  if (index.packs.get(pack)?.used !== 0 || holdsObjects(store, pack)) return false;
  await index.commitRemoval(() => {
    for (const { offset } of [...deadParts(store, { pack })]) index.dead.remove({ pack, offset });
    forgetPack(index, pack);
  });
  fs.rmSync(pathOf(store, pack), { force: true });
  return true;
}

/**
 * Asked before a whole pack goes: its row, or the sums in it, may be damaged, and empty contents are in no sum.
 */
function holdsObjects({ index }: StoreContext, pack: number): boolean {
  for (const { at } of index.objects.values()) if (at?.pack === pack) return true;
  return false;
}

/** Deletes packs that no import has ever committed to, or whose deletion was cut short. */
function deleteUnlisted(store: StoreContext): void {
  const { index, layout } = store;
  let isChanged = false;
  for (const name of fs.existsSync(layout.packs) ? fs.readdirSync(layout.packs) : []) {
    const pack = idOfPackFile(name);
    if (pack === undefined || index.packs.get(pack) !== undefined) continue;
    const lock = tryLock(layout.packLock(pack), true);
    if (lock === undefined) continue;
    try {
      index.refresh();
      if (index.packs.get(pack) !== undefined || holdsObjects(store, pack)) continue;
      fs.rmSync(pathOf(store, pack), { force: true });
      isChanged = true;
    } finally {
      lock.release();
    }
  }
  if (isChanged) syncDirectory(layout.packs);
}
