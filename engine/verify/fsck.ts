/**
 * Compares the index with the disk, both ways, and with itself. Every listed file must be there, every file must be
 * listed, and every count of references must be what a new count gives. `check` hashes, `repair` mends.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { throwIfAborted } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { keyOfHex } from '../core/key.js';
import type { ObjectFile } from '../core/object.js';
import type { OperationOptions } from '../core/operation.js';
import { namesIn } from '../disk/list-directory.js';
import { statOrFault } from '../disk/path-fault.js';
import { shardedFiles } from '../disk/shards.js';
import { allImages, titleOf } from '../index/images.js';
import { miscountedPacks } from '../index/packs.js';
import type { ImageRecord } from '../index/records.js';
import { fileNameOf } from '../objects/name.js';
import { packFileName } from '../objects/pack/format.js';
import { isComplete } from '../resolve/completeness.js';
import type { StoreContext } from '../session/context.js';
import { faultsOfPacks, unlistedPacks } from './packs.js';
import { faultOfPod } from './pods.js';
import { countExpected, type ExpectedCounts, sumTotals } from './recount.js';
import { leftovers } from './seen-leftovers.js';
import { missingPart, unlistedParts } from './tree-parts.js';

export interface Missing {
  kind: 'blob' | 'object' | 'pack' | 'layer' | 'tree' | 'pod';
  id: string;
  what: string;
  /** Images that cannot be used without it; of a pod those that it needs, and they can be used. */
  images: string[];
  /** A repair has marked it as gone, and an import is to restore it. */
  awaited?: true;
}

/** Something that a repair did. */
export interface Mended {
  kind: 'blob' | 'object' | 'pack' | 'layer' | 'tree' | 'pod' | 'totals' | 'stray';
  id: string;
  what: string;
  action:
    | 'metadata set again'
    | 'quarantined'
    | 'marked as gone'
    | 'found again'
    | 'tables written anew'
    | 'dropped'
    | 'removed'
    | 'counted anew';
}

export interface FsckResult {
  checked: { images: number; layers: number; objects: number; blobs: number; trees: number; pods: number };
  /** Listed, but not there or not as listed. */
  missing: Missing[];
  /** There, but not listed: garbage, which gc sweeps or a repair removes. */
  stray: string[];
  /** Counts of references that a new count does not confirm. */
  miscounted: string[];
  /** What a repair did. The fields above describe the store after the repair. */
  repaired: Mended[];
  /** Where a repair put damaged files. */
  quarantined: string[];
  /** Images that are to be imported again, by name, and keys of blobs that are to be put again. */
  reimport: string[];
  ok: boolean;
}

export async function fsckStore(store: StoreContext, options: OperationOptions = {}): Promise<FsckResult> {
  return store.uses.during(options.signal, async () => {
    // The index is read anew: records may have been removed while this waited.
    store.index.refresh();
    return compareWithDisk(store, options);
  });
}

/** The caller holds the use lock. */
export function compareWithDisk(store: StoreContext, options: OperationOptions = {}): FsckResult {
  return new Fsck(store, options).run();
}

class Fsck {
  readonly #store: StoreContext;
  readonly #options: OperationOptions;
  readonly #missing: Missing[] = [];
  readonly #stray: string[] = [];
  readonly #miscounted: string[] = [];

  constructor(store: StoreContext, options: OperationOptions) {
    this.#store = store;
    this.#options = options;
  }

  run(): FsckResult {
    const { index } = this.#store;
    const images = [...allImages(index)];
    const expected = countExpected(this.#store, this.#options.signal);
    const layers = this.#lookAtLayers(expected);
    const objects = this.#lookAtObjects(expected);
    this.#lookAtPacks();
    const blobs = this.#lookAtBlobs(expected);
    const trees = this.#lookAtTrees();
    const pods = this.#lookAtPods();
    this.#lookAtLeftovers();
    this.#lookAtTotals();
    return {
      checked: { images: images.length, layers, objects, blobs, trees, pods },
      missing: this.#missing,
      stray: this.#stray,
      miscounted: this.#miscounted,
      repaired: [],
      quarantined: [],
      reimport: toImportAgain(this.#store),
      ok: this.#missing.length === 0 && this.#miscounted.length === 0,
    };
  }

  #titles(keys: Iterable<Key>): string[] {
    return [...new Set(keys)].map((key) => {
      const image = this.#store.index.image(key);
      return image === undefined ? key : titleOf(image);
    });
  }

  #lookAtLayers(expected: ExpectedCounts): number {
    const { index } = this.#store;
    let layers = 0;
    for (const layer of index.layers.values()) {
      layers++;
      if (layer.refs !== (expected.layers.get(layer.key) ?? 0)) this.#miscounted.push(`layer ${layer.key}`);
    }
    for (const [key, images] of expected.users) {
      if (index.layer(key) !== undefined) continue;
      this.#missing.push({ kind: 'layer', id: key, what: 'not listed', images: this.#titles(images) });
    }
    return layers;
  }

  #lookAtObjects({ objects: needed, users, unknownLayers }: ExpectedCounts): number {
    const { index } = this.#store;
    const usersOf = (layers: readonly Key[]): string[] =>
      this.#titles(layers.flatMap((layer) => users.get(layer) ?? []));
    let objects = 0;
    const copies: ObjectFile[] = [];
    for (const { key: name, value } of index.objects.entries()) {
      if (objects++ % 4096 === 0) throwIfAborted(this.#options.signal);
      const layers = needed.get(name)?.layers ?? [];
      // A layer with a damaged table of contents may hold the object, too.
      const fits = value.refs >= layers.length && value.refs <= layers.length + unknownLayers.size;
      if (!fits || index.orphans.has({ kind: 'object', name }) !== (value.refs === 0)) {
        this.#miscounted.push(`object ${name}`);
      }
      const found = this.#store.objects.look({ name, copy: 0 });
      this.#compareFile('object', name, found, { ...value, images: () => usersOf(layers) });
      copies.push(...this.#missingCopies(name, value.copies));
    }
    for (const file of copies) {
      const layers = needed.get(file.name)?.layers ?? [];
      this.#missing.push({ kind: 'object', id: fileNameOf(file), what: 'missing', images: usersOf(layers) });
    }
    for (const [name, { layers }] of needed) {
      if (index.objects.get(name) !== undefined) continue;
      this.#missing.push({ kind: 'object', id: name, what: 'not listed', images: usersOf(layers) });
    }
    for (const { path, object } of this.#store.objects.list()) {
      const known = object === undefined ? undefined : index.objects.get(object.name);
      if (known === undefined || (object as ObjectFile).copy > known.copies) this.#stray.push(path);
    }
    return objects;
  }

  /** Objects that cannot be read are told one by one. A pack that only lacks tables costs no image anything. */
  #lookAtPacks(): void {
    for (const { pack, what } of faultsOfPacks(this.#store, { signal: this.#options.signal })) {
      this.#missing.push({ kind: 'pack', id: packFileName(pack), what, images: [] });
    }
    if (!this.#store.readOnly) this.#stray.push(...unlistedPacks(this.#store));
  }

  #missingCopies(name: string, copies: number): ObjectFile[] {
    const files = Array.from({ length: copies }, (_none, i) => ({ name, copy: i + 1 }));
    return files.filter((file) => typeof this.#store.objects.look(file) === 'string');
  }

  #lookAtBlobs({ blobs: needed }: ExpectedCounts): number {
    const { index, layout } = this.#store;
    let blobs = 0;
    for (const { key, value } of index.blobs.entries()) {
      blobs++;
      const refs = needed.get(key)?.refs ?? 0;
      if (value.refs !== refs || index.orphans.has({ kind: 'blob', key }) !== (refs === 0)) {
        this.#miscounted.push(`blob ${key}`);
      }
      const images = (): string[] => this.#titles(needed.get(key)?.images ?? []);
      this.#compareFile('blob', key, statOrFault(layout.blob(key)), { ...value, images });
    }
    for (const [key, { images }] of needed) {
      if (index.blobs.get(key) === undefined)
        this.#missing.push({ kind: 'blob', id: key, what: 'not listed', images: this.#titles(images) });
    }
    for (const { name, path } of shardedFiles(layout.blobs)) {
      const listed = /^[0-9a-f]{128}$/.test(name) && index.blobs.get(keyOfHex(name)) !== undefined;
      if (!listed) this.#stray.push(path);
    }
    return blobs;
  }

  /** @param found the file in its place, or what is wrong there */
  #compareFile(
    kind: 'blob' | 'object',
    id: string,
    found: { size: bigint } | string,
    { size, gone, images }: { size: number; gone?: true; images: () => string[] },
  ): void {
    if (gone === true) {
      const what = found === 'missing' ? 'gone since a repair' : 'gone since a repair, but a file is there again';
      this.#missing.push({ kind, id, what, images: images(), awaited: true });
    } else if (typeof found === 'string') this.#missing.push({ kind, id, what: found, images: images() });
    else if (found.size !== BigInt(size))
      this.#missing.push({ kind, id, what: `${found.size} bytes instead of ${size}`, images: images() });
  }

  #lookAtTrees(): number {
    const { index, layout } = this.#store;
    let trees = 0;
    for (const tree of index.trees.values()) {
      trees++;
      this.#stray.push(...unlistedParts(layout, tree));
      const what = missingPart(layout, tree);
      if (what === undefined) continue;
      this.#missing.push({ kind: 'tree', id: tree.id, what, images: this.#titles(tree.images) });
    }
    for (const name of fs.readdirSync(layout.trees)) {
      if (index.trees.get(name) === undefined) this.#stray.push(join(layout.trees, name));
    }
    return trees;
  }

  #lookAtPods(): number {
    const { index, layout } = this.#store;
    let pods = 0;
    for (const pod of index.pods.values()) {
      if (pods++ % 1024 === 0) throwIfAborted(this.#options.signal);
      const what = faultOfPod(this.#store, pod);
      if (what === undefined) continue;
      this.#missing.push({ kind: 'pod', id: pod.id, what, images: this.#titles(pod.apps.map(({ image }) => image)) });
    }
    for (const name of namesIn(layout.pods)) {
      if (index.pods.get(name) === undefined) this.#stray.push(join(layout.pods, name));
    }
    return pods;
  }

  /** Staging directories of dead processes, and lock files without a holder. */
  #lookAtLeftovers(): void {
    const { layout, staging, readOnly } = this.#store;
    if (readOnly) return;
    for (const path of leftovers(layout, staging.session)) this.#stray.push(path);
  }

  #lookAtTotals(): void {
    for (const pack of miscountedPacks(this.#store.index).keys()) this.#miscounted.push(`pack ${packFileName(pack)}`);
    const summed = JSON.stringify(sumTotals(this.#store));
    if (JSON.stringify(this.#store.index.totals) !== summed) this.#miscounted.push('totals');
  }
}

/**
 * Names of images, and keys of blobs put by hand, that a repair found damaged.
 * @param wanted picks images; then blobs that were put by hand are left out
 */
export function toImportAgain({ index }: StoreContext, wanted?: (image: ImageRecord) => boolean): string[] {
  const incomplete = [...allImages(index)].filter((image) => !isComplete(index, image));
  if (wanted !== undefined) return incomplete.filter(wanted).map(titleOf);
  const names = incomplete.map(titleOf);
  for (const { key, value } of index.blobs.entries()) if (value.put && value.gone === true) names.push(key);
  return names;
}
