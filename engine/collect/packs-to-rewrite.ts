/**
 * Which packs a gc writes anew. Holes give back the blocks that nothing has a part of any more. Where small contents
 * died between others that live, that is next to nothing. Then the living ones move to another pack, and the whole pack
 * goes.
 */
import { deadParts } from '../content/punch-dead.js';
import { extentOf } from '../core/extent.js';
import { diskBytesAt } from '../disk/disk-bytes.js';
import { namesIn } from '../disk/list-directory.js';
import { isOpenElsewhere } from '../disk/open-elsewhere.js';
import { isImageInUse } from '../disk/tree-use.js';
import { FIRST_ORPHANED_OBJECT } from '../index/keys.js';
import type { ObjectRecord } from '../index/records.js';
import { packFileName } from '../objects/pack/format.js';
import { holesIn } from '../objects/pack/holes.js';
import type { DeadPart } from '../objects/pack/unused-parts.js';
import type { StoreContext } from '../session/context.js';

/** Bytes that must come back: fewer are not worth the syncs and the transaction. */
const LEAST_FREED = 2 ** 20;

export interface PackToRewrite {
  pack: number;
  /** What lives in it, in the order in which it lies there. */
  objects: LivingObject[];
  /** Bytes that those take. */
  copiedBytes: number;
  /** Bytes of the disk that come back beyond those. */
  freedBytes: number;
}

export interface LivingObject {
  name: string;
  size: number;
  offset: number;
}

/** What would be gone by then, and is listed as needed now. */
export interface Going {
  objects: ReadonlySet<string>;
  trees: ReadonlySet<string>;
}

const NOTHING: Going = { objects: new Set(), trees: new Set() };

/**
 * A pack is worth it when at most half of what it takes on the disk is alive. So each byte that is copied gives at
 * least one back, all gcs together copy no more than was deleted, and what died takes no more space than what lives.
 * @returns the packs that are worth it and that nobody needs as they are; those with the least to copy first
 */
export function packsToRewrite(store: StoreContext, going = NOTHING): PackToRewrite[] {
  const { index } = store;
  if (store.objects.at.packs === undefined) return [];
  const dying = dyingParts(store, going);
  const worth = new Map<number, PackToRewrite>();
  for (const { key: pack, value } of index.packs.entries()) {
    const parts = dying.get(pack) ?? [];
    const copiedBytes = value.used - sumOf(parts);
    const diskBytes = diskBytesAt(store.layout.pack(packFileName(pack))) ?? 0;
    const freedBytes = diskBytes - holeBytes(store, pack, parts) - copiedBytes;
    if (freedBytes < LEAST_FREED || freedBytes < copiedBytes) continue;
    worth.set(pack, { pack, objects: [], copiedBytes, freedBytes });
  }
  if (worth.size === 0) return [];
  const held = packsHeld(store, going);
  for (const pack of worth.keys()) if (held.has(pack)) worth.delete(pack);
  fillIn(store, worth, going);
  // A pack without any object is deleted as it is.
  return [...worth.values()].filter(({ objects }) => objects.length > 0).sort((a, b) => a.copiedBytes - b.copiedBytes);
}

/** Whether nobody needs a pack as it is. Asked again before each change, while nobody else relies on objects. */
export function isFree(store: StoreContext, pack: number): boolean {
  return !packsHeld(store, NOTHING, [pack]).has(pack);
}

/**
 * Packs that somebody may read at places that are known to them: through the image of a tree, mounted or not, or
 * whoever has a pack open.
 */
function packsHeld(
  store: StoreContext,
  { trees }: Going,
  packs: Iterable<number> = store.index.packs.keys(),
): Set<number> {
  const { index, layout } = store;
  // Of what is mounted and not listed nobody can tell which packs it needs.
  const isUnknown = (id: string): boolean => index.trees.get(id)?.image === undefined && isImageInUse(layout, id);
  if (namesIn(layout.trees).some(isUnknown)) return new Set(packs);
  const named = new Set<string>();
  for (const { id, image } of index.trees.values())
    if (!trees.has(id)) for (const device of image?.devices ?? []) named.add(device);
  return new Set([...packs].filter((pack) => named.has(packFileName(pack)) || mayBeOpen(store, pack)));
}

/** Also where the system does not tell. A pack that is not there, or cannot be opened, is for a check to report. */
export function mayBeOpen({ layout }: StoreContext, pack: number): boolean {
  try {
    return isOpenElsewhere(layout.pack(packFileName(pack))) !== false;
  } catch {
    return true;
  }
}

/** Objects of packs that nothing needs any more and that are still listed: pack → their parts. */
function dyingParts({ index }: StoreContext, going: Going): Map<number, DeadPart[]> {
  const names = new Set(going.objects);
  for (const orphan of index.orphans.keys({ start: FIRST_ORPHANED_OBJECT }))
    if (orphan.kind === 'object') names.add(orphan.name);
  const parts = new Map<number, DeadPart[]>();
  for (const name of names) {
    const { at, size = 0 } = index.objects.get(name) ?? {};
    const length = extentOf(size);
    if (at === undefined || length === 0) continue;
    const part = { offset: at.offset, length };
    const known = parts.get(at.pack);
    if (known === undefined) parts.set(at.pack, [part]);
    else known.push(part);
  }
  return parts;
}

/** Bytes that a gc punches before it looks what to write anew. */
function holeBytes(store: StoreContext, pack: number, dying: readonly DeadPart[]): number {
  if (dying.length === 0) return 0;
  const dead = [...deadParts(store, { pack }), ...dying].sort((a, b) => a.offset - b.offset);
  return sumOf(holesIn(dead).holes);
}

function sumOf(parts: readonly DeadPart[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/**
 * Finds what lives in packs. A pack with an object that is gone stays as it is: what is left of it may be all that is
 * left.
 */
function fillIn({ index }: StoreContext, packs: Map<number, PackToRewrite>, going: Going): void {
  const isDying = (name: string, { refs }: ObjectRecord): boolean => refs === 0 || going.objects.has(name);
  for (const { key: name, value } of index.objects.entries()) {
    const found = value.at === undefined ? undefined : packs.get(value.at.pack);
    if (found === undefined || value.at === undefined) continue;
    if (value.gone === true) packs.delete(found.pack);
    else if (!isDying(name, value)) found.objects.push({ name, size: value.size, offset: value.at.offset });
  }
  for (const { objects } of packs.values()) objects.sort((a, b) => a.offset - b.offset);
}
