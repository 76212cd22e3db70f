/**
 * Writes the table of a pack anew whose tables, or whose head, are damaged: one behind all contents, which tells of
 * every object that the index finds in the pack. It counts in place of those before it.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { naming, toCairnError } from '../core/errors.js';
import { BLOCK } from '../core/extent.js';
import { syncFile } from '../disk/durable.js';
import { tryLock } from '../disk/lock.js';
import { writeAll } from '../disk/write-all.js';
import type { PackRecord } from '../index/records.js';
import { packFileName, packHead, SALT_BYTES } from '../objects/pack/format.js';
import { hashInName } from '../objects/pack/name.js';
import { headOf } from '../objects/pack/read-tables.js';
import { type PackedContent, PackRows } from '../objects/pack/rows.js';
import { encodeTable } from '../objects/pack/table.js';
import type { StoreContext } from '../session/context.js';
import type { Mended } from './fsck.js';
import { faultsOfPacks } from './packs.js';

/** Leaves packs that another session appends to. @returns what was done */
export async function mendTables(store: StoreContext): Promise<Mended[]> {
  // This process appends to no damaged pack from here on, nor to one that is gone.
  store.lanes?.letGo();
  const mended: Mended[] = [];
  for (const { pack, what, isOfTables } of [...faultsOfPacks(store)]) {
    if (!isOfTables || !(await rewriteTables(store, pack))) continue;
    mended.push({ kind: 'pack', id: packFileName(pack), what, action: 'tables written anew' });
  }
  return mended;
}

/** @returns false for a pack that another session appends to */
async function rewriteTables(store: StoreContext, pack: number): Promise<boolean> {
  const { index, layout } = store;
  const lock = tryLock(layout.packLock(pack), true);
  if (lock === undefined) return false;
  try {
    index.refresh();
    const known = index.packs.get(pack) as PackRecord;
    const bytes = writeTable(layout.pack(packFileName(pack)), {
      pack,
      end: known.end,
      contents: contentsOf(store, pack),
    });
    await index.commit(() => index.packs.put(pack, { ...known, end: known.end + bytes, other: known.other + bytes }));
    return true;
  } finally {
    lock.release();
  }
}

function contentsOf({ index }: StoreContext, pack: number): PackedContent[] {
  const contents: PackedContent[] = [];
  for (const { key, value } of index.objects.entries()) {
    if (value.at?.pack === pack && value.gone !== true)
      contents.push({ sha512: hashInName(key), offset: value.at.offset, size: value.size });
  }
  return contents.sort((a, b) => a.offset - b.offset);
}

/** @returns the bytes of the table */
function writeTable(
  path: string,
  { pack, end, contents }: { pack: number; end: number; contents: readonly PackedContent[] },
): number {
  const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
  try {
    const head = headOf(fd);
    const salt = head?.id === pack ? head.salt : randomBytes(SALT_BYTES);
    const table = encodeTable(PackRows.of(contents), { offset: end, before: BLOCK, durable: end, salt });
    naming(path, () => {
      fs.ftruncateSync(fd, end);
      writeAll(fd, table, end);
      // The head comes last: with another salt than theirs it makes all other tables unreadable.
      syncFile(path);
      if (head?.id === pack) return;
      writeAll(fd, packHead({ id: pack, salt }), 0);
      syncFile(path);
    });
    return table.length;
  } catch (error) {
    throw toCairnError(error);
  } finally {
    fs.closeSync(fd);
  }
}
