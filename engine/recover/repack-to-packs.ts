/** Moves objects that are files to packs. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { deletePaths } from '../content/delete.js';
import { objectSizesOf } from '../content/layer-objects.js';
import { dropAllPlans } from '../content/plan-cache.js';
import { batches } from '../core/batches.js';
import { BLOCK, extentOf } from '../core/extent.js';
import type { PackAddress } from '../core/object.js';
import { type OperationOptions, telling } from '../core/operation.js';
import { intoShard, shardedPath } from '../disk/shards.js';
import { LAYOUT_KEY } from '../index/open.js';
import type { ObjectRecord } from '../index/records.js';
import { idOfPackFile } from '../objects/pack/format.js';
import { packedName } from '../objects/pack/name.js';
import { readSegments } from '../objects/pack/read-tables.js';
import { readRows } from '../objects/pack/rows.js';
import { objectsIn } from '../session/choose-home.js';
import type { StoreContext } from '../session/context.js';
import { Lanes } from '../session/lanes.js';
import { retotal } from './retotal.js';

const SECTOR = 512;
const HASH_DIGITS = 128;

/** One of the objects that have a content. */
interface Source {
  name: string;
  size: number;
}

export async function repackToPacks(store: StoreContext, options: OperationOptions): Promise<void> {
  const { index } = store;
  const contents = new Map<string, Source>();
  for (const { key: name, value } of index.objects.entries()) {
    if (value.gone !== true) contents.set(name.slice(0, HASH_DIGITS), { name, size: value.size });
  }
  const places = placesSoFar(store);
  const withHoles = new Set<string>();
  for (const [hash, { name, size }] of contents) if (hasHoles(store, name, size)) withHoles.add(hash);
  const missing = [...contents]
    .filter(([hash]) => !places.has(hash) && !withHoles.has(hash))
    .map(([, source]) => source);
  await append(store, missing, places, options);
  for (const hash of withHoles) linkWhole(store, contents.get(hash) as Source);
  await store.disk.sync();
  await index.commit(() => listInPacks(store, places));
  dropAllPlans(store);
}

/** Contents that an earlier attempt has put into packs: hash → place. */
function placesSoFar({ index, layout }: StoreContext): Map<string, PackAddress> {
  const places = new Map<string, PackAddress>();
  for (const name of fs.existsSync(layout.packs) ? fs.readdirSync(layout.packs) : []) {
    const pack = idOfPackFile(name);
    const known = pack === undefined ? undefined : index.packs.get(pack);
    if (pack === undefined || known === undefined) continue;
    const fd = fs.openSync(join(layout.packs, name), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      for (const { contents } of readSegments(fd, known.end)) {
        for (const { sha512, offset } of contents) places.set(sha512, { pack, offset });
      }
    } finally {
      fs.closeSync(fd);
    }
  }
  return places;
}

function hasHoles({ layout }: StoreContext, name: string, size: number): boolean {
  const stat = fs.lstatSync(shardedPath(layout.objects, name), { throwIfNoEntry: false });
  return stat !== undefined && size >= BLOCK && stat.blocks * SECTOR < size;
}

/** A file with holes stays one. Its name says its content alone. */
function linkWhole({ layout }: StoreContext, { name }: Source): void {
  const to = shardedPath(layout.objects, packedName(name.slice(0, HASH_DIGITS)));
  if (fs.existsSync(to)) return;
  intoShard(to, () => fs.linkSync(shardedPath(layout.objects, name), to));
}

/** Appends contents batch by batch. Each batch is durable and noted before it counts as done. */
async function append(
  store: StoreContext,
  sources: readonly Source[],
  places: Map<string, PackAddress>,
  options: OperationOptions,
): Promise<void> {
  const { index, layout, pool, disk, staging } = store;
  const lanes = new Lanes(layout, index);
  const scratch = staging.make();
  const total = sources.reduce((sum, { size }) => sum + size, 0);
  const onProgress = telling(options, { what: 'repacking', unit: 'bytes', total });
  const queue = batches(sources, ({ size }) => size);
  try {
    await pool.during({ signal: options.signal, onProgress }, async (work) => {
      const lane = async (): Promise<void> => {
        for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
          const taken = lanes.take();
          let end: number | undefined;
          try {
            const names = batch.map(({ name }) => name);
            const sizes = Float64Array.from(batch, ({ size }) => size);
            const packed = await work.ask('append-objects', {
              ...{ from: store.objects.at, names, sizes, lane: taken, scratch },
            });
            await disk.sync();
            const known = { end: packed.end, used: 0, dead: 0, other: packed.end - BLOCK };
            await index.commit(() => index.packs.put(taken.pack, known));
            for (const { sha512, offset } of readRows(Buffer.from(packed.rows))) {
              places.set(sha512, { pack: taken.pack, offset });
            }
            end = packed.end;
          } finally {
            lanes.release(taken, end);
          }
        }
      };
      await Promise.all(Array.from({ length: Math.max(1, pool.size) }, lane));
    });
  } finally {
    lanes.close();
    await deletePaths(pool, [scratch]);
  }
}

/** Runs inside the transaction: every object goes by its content alone from now on. */
function listInPacks(store: StoreContext, places: ReadonlyMap<string, PackAddress>): void {
  const { index, layout } = store;
  const packed = { ...store, objects: objectsIn(layout, 'packs', index) };
  const records = new Map<string, ObjectRecord>();
  for (const layer of index.layers.values()) {
    for (const [name, size] of objectSizesOf(packed, layer) ?? []) {
      const known = records.get(name);
      if (known === undefined) records.set(name, recordOf(store, places, name, size));
      else known.refs++;
    }
  }
  for (const name of [...index.objects.keys()]) {
    index.objects.remove(name);
    if (index.orphans.has({ kind: 'object', name })) index.orphans.remove({ kind: 'object', name });
  }
  for (const [name, record] of records) index.objects.put(name, record);
  countPacks(store, records);
  const bytes = [...records.values()].reduce((sum, { size, gone }) => sum + (gone === true ? 0 : size), 0);
  retotal(index, records.size, bytes);
  for (const tree of [...index.trees.values()]) {
    if (tree.mode === 'link') index.trees.put(tree.id, { ...tree, uniqueBytes: tree.bytes });
  }
  index.meta.put(LAYOUT_KEY, 'packs');
}

function recordOf(
  { layout }: StoreContext,
  places: ReadonlyMap<string, PackAddress>,
  name: string,
  size: number,
): ObjectRecord {
  const at = places.get(name.slice(0, HASH_DIGITS));
  const record = { size, refs: 1, copies: 0 };
  if (at !== undefined) return { ...record, at };
  return fs.existsSync(shardedPath(layout.objects, name)) ? record : { ...record, gone: true };
}

function countPacks({ index }: StoreContext, records: ReadonlyMap<string, ObjectRecord>): void {
  const used = new Map<number, number>();
  for (const { at, size } of records.values()) {
    if (at !== undefined) used.set(at.pack, (used.get(at.pack) ?? 0) + extentOf(size));
  }
  for (const { key: pack, value } of [...index.packs.entries()]) {
    const bytes = used.get(pack) ?? 0;
    // What no object needs, of an earlier attempt, is left for the next gc to find.
    index.packs.put(pack, { ...value, used: bytes, other: 0 });
  }
}
