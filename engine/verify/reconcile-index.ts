/**
 * Updates the index after a repair: marks missing files as gone, unmarks files that are back, and sets every count
 * anew.
 */
import { objectsOfLayer } from '../content/layer-objects.js';
import { defined } from '../core/defined.js';
import type { Key } from '../core/key.js';
import type { SkippedKind } from '../core/metadata.js';
import type { PackAddress } from '../core/object.js';
import { noteEvent } from '../index/events.js';
import { dropExtents, type Extent, noteMove } from '../index/extents.js';
import type { Orphan } from '../index/keys.js';
import { miscountedPacks } from '../index/packs.js';
import type { LayerRecord, ObjectRecord } from '../index/records.js';
import { hasBlob, releaseLayer } from '../index/references.js';
import { packFileName } from '../objects/pack/format.js';
import type { StoreContext } from '../session/context.js';
import type { Mended } from './fsck.js';
import { countExpected, type ExpectedCounts, sumTotals } from './recount.js';

/** The state of an object, as a repair found it. */
export interface ObjectState {
  size: number;
  /** The number of further copies that the index lists. */
  copies: number;
  /** Numbers of the sound copies, rising; 0 is the first file. */
  sound: readonly number[];
  fault: string | undefined;
  /** Quarantine has what was in the object's place. */
  isQuarantined?: true;
  /** Metadata that could not be set again; `undefined` if none was. */
  skipped: SkippedKind[] | undefined;
  /** Where in a pack it was found, if the index did not know. */
  at?: PackAddress;
}

export interface BlobState {
  size: number;
  /** What is wrong with the blob's file; `undefined` when nothing is. */
  fault: string | undefined;
}

/** Runs inside the transaction, which may be tried twice. @returns what it changed */
export function reconcileIndex(
  store: StoreContext,
  objects: ReadonlyMap<string, ObjectState>,
  blobs: ReadonlyMap<Key, BlobState>,
): Mended[] {
  return new Reconciliation(store, objects, blobs).run();
}

class Reconciliation {
  readonly #store: StoreContext;
  readonly #objects: ReadonlyMap<string, ObjectState>;
  readonly #blobs: ReadonlyMap<Key, BlobState>;
  readonly #mended: Mended[] = [];

  constructor(store: StoreContext, objects: ReadonlyMap<string, ObjectState>, blobs: ReadonlyMap<Key, BlobState>) {
    this.#store = store;
    this.#objects = objects;
    this.#blobs = blobs;
  }

  run(): Mended[] {
    this.#markBlobs();
    this.#markUncounted();
    const expected = this.#dropUnneededLayers(countExpected(this.#store));
    this.#setObjects(expected);
    this.#setPacks();
    this.#setBlobs(expected);
    this.#setLayers(expected);
    this.#setTotals();
    if (this.#mended.length > 0) noteEvent(this.#store.index, { event: 'repaired' });
    return this.#mended;
  }

  /** Runs first of all: a layer whose table of contents is gone counts as holding no objects. */
  #markBlobs(): void {
    const { index } = this.#store;
    for (const [key, { size, fault }] of this.#blobs) {
      const known = index.blobs.get(key);
      const { gone, ...there } = known ?? { size, refs: 0, put: false };
      index.blobs.put(key, fault === undefined ? there : { ...there, gone: true });
      if (fault !== undefined && gone !== true) this.#tell('blob', key, fault, 'marked as gone');
      if (fault === undefined && (known === undefined || gone === true))
        this.#tell('blob', key, 'its file is there and whole', 'found again');
    }
  }

  #markUncounted(): void {
    const { index } = this.#store;
    for (const layer of this.#layers()) {
      const { uncounted, ...counted } = layer;
      const tells = hasBlob(index, layer.toc.key);
      if (tells === (uncounted !== true)) continue;
      index.layers.put(layer.key, tells ? counted : { ...layer, uncounted: true });
      // Its objects may be collected meanwhile, and come back elsewhere.
      if (!tells) noteMove(index);
    }
  }

  #dropUnneededLayers(expected: ExpectedCounts): ExpectedCounts {
    const { index } = this.#store;
    const unneeded = this.#layers().filter(({ key }) => !expected.layers.has(key));
    for (const layer of unneeded) {
      index.layers.put(layer.key, { ...layer, refs: 1 });
      releaseLayer(index, layer.key, (record) => objectsOfLayer(this.#store, record));
      this.#tell('layer', layer.key, 'no image and no tree expected it', 'removed');
    }
    return unneeded.length === 0 ? expected : countExpected(this.#store);
  }

  #setObjects({ objects: needed, unknownLayers }: ExpectedCounts): void {
    const { index } = this.#store;
    const changed: [name: string, known: ObjectRecord | undefined, refs: number][] = [];
    for (const { key: name, value } of index.objects.entries()) {
      const counted = needed.get(name)?.layers.length ?? 0;
      // A table of contents that was damaged a moment ago may list the object, too. The next repair knows.
      const refs = unknownLayers.size > 0 ? Math.max(counted, value.refs) : counted;
      const isOrphan = index.orphans.has({ kind: 'object', name });
      if (refs !== value.refs || isOrphan !== (refs === 0) || this.#objects.has(name))
        changed.push([name, value, refs]);
    }
    for (const [name, { layers }] of needed) {
      if (index.objects.get(name) === undefined) changed.push([name, undefined, layers.length]);
    }
    for (const [name, known, refs] of changed) this.#setObject(name, known, refs, needed.get(name)?.size ?? 0);
  }

  #setObject(name: string, known: ObjectRecord | undefined, refs: number, size: number): void {
    const { index } = this.#store;
    const state = this.#objects.get(name);
    const {
      gone: was,
      skipped: before,
      ...record
    } = known ?? ({ size: state?.size ?? size, refs: 0, copies: 0 } as ObjectRecord);
    const left = state === undefined ? undefined : state.sound.length;
    const gone = left === undefined ? was === true || known === undefined : left === 0;
    const copies = left === undefined ? record.copies : Math.max(0, left - 1);
    if (gone && was !== true) this.#tell('object', name, state?.fault ?? 'missing', 'marked as gone');
    if (!gone && (was === true || known === undefined))
      this.#tell('object', name, 'its file is there and whole', 'found again');
    const isForgotten = gone && (state?.isQuarantined === true || refs === 0);
    if (isForgotten && record.at !== undefined) this.#forgetPlace(record as Extent);
    // A tree's image may name another place than the one found now, or than where an object without a row will be.
    const isPlaceLost = known === undefined && gone && this.#store.objects.at.packs !== undefined;
    if (state?.at !== undefined || isPlaceLost) noteMove(index);
    const { at: _place, ...placeless } = record;
    if (known !== undefined && known.refs !== refs)
      this.#tell('object', name, `${known.refs} references instead of ${refs}`, 'counted anew');
    if (refs === 0 && gone) {
      index.objects.remove(name);
      index.orphans.remove({ kind: 'object', name });
      return;
    }
    const skipped = state?.skipped ?? before ?? [];
    index.objects.put(name, {
      ...(isForgotten ? placeless : { ...record, ...defined({ at: state?.at ?? record.at }) }),
      refs,
      copies,
      ...(skipped.length > 0 ? { skipped } : {}),
      ...(gone ? { gone } : {}),
    });
    this.#setOrphan({ kind: 'object', name }, refs === 0);
  }

  /** An object may come back at another place, and its space is free. */
  #forgetPlace(extent: Extent): void {
    dropExtents(this.#store.index, [extent]);
    noteMove(this.#store.index);
  }

  #setBlobs({ blobs: needed }: ExpectedCounts): void {
    const { index } = this.#store;
    for (const { key, value: known } of [...index.blobs.entries()]) {
      const refs = needed.get(key)?.refs ?? 0;
      if (refs === 0 && known.gone === true) {
        index.blobs.remove(key);
        index.orphans.remove({ kind: 'blob', key });
        continue;
      }
      this.#setOrphan({ kind: 'blob', key }, refs === 0);
      if (refs === known.refs) continue;
      index.blobs.put(key, { ...known, refs });
      if (!this.#blobs.has(key)) this.#tell('blob', key, `${known.refs} references instead of ${refs}`, 'counted anew');
    }
  }

  #setOrphan(orphan: Orphan, isOne: boolean): void {
    const { orphans } = this.#store.index;
    if (isOne) orphans.put(orphan, true);
    else orphans.remove(orphan);
  }

  #setLayers({ objects: needed, layers: counted }: ExpectedCounts): void {
    const { index } = this.#store;
    const lacking = new Set<Key>();
    for (const [name, { layers }] of needed) {
      if (index.objects.get(name)?.gone === true) for (const layer of layers) lacking.add(layer);
    }
    for (const layer of this.#layers()) {
      const refs = counted.get(layer.key) ?? 0;
      const { incomplete: was, ...record } = layer;
      const whole = !lacking.has(layer.key) && hasBlob(index, layer.toc.key) && hasBlob(index, layer.recipe.key);
      if (layer.refs !== refs)
        this.#tell('layer', layer.key, `${layer.refs} references instead of ${refs}`, 'counted anew');
      if (layer.refs === refs && whole === (was !== true)) continue;
      index.layers.put(layer.key, { ...record, refs, ...(whole ? {} : { incomplete: true }) });
    }
  }

  #setPacks(): void {
    const { index } = this.#store;
    for (const [pack, record] of miscountedPacks(index)) {
      index.packs.put(pack, record);
      if (this.#mended.length > 0) continue;
      this.#tell('totals', packFileName(pack), 'not the sum of the records', 'counted anew');
    }
  }

  #setTotals(): void {
    const { index } = this.#store;
    const totals = sumTotals(this.#store);
    const differ = JSON.stringify(index.totals) !== JSON.stringify(totals);
    index.meta.put('totals', totals);
    if (differ && this.#mended.length === 0)
      this.#tell('totals', 'totals', 'not the sum of the records', 'counted anew');
  }

  #layers(): LayerRecord[] {
    return [...this.#store.index.layers.values()];
  }

  #tell(kind: Mended['kind'], id: string, what: string, action: Mended['action']): void {
    this.#mended.push({ kind, id, what, action });
  }
}
