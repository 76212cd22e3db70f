/**
 * Compares the index with the disk, both ways, and with itself: everything listed must be there, everything there must be listed,
 * and every count of references must be what a new count gives. Hashing is `check`'s.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { OperationOptions, StoreContext } from './context.js';
import { throwIfAborted } from './errors.js';
import { allImages, blobsOf } from './index/images.js';
import { objectKey, objectName } from './index/open.js';
import type { LayerRecord } from './index/records.js';
import { type Key, keyBytes, keyOf } from './key.js';
import { shardedName } from './layout.js';
import { tryLock } from './lock.js';
import { objectsOfLayer } from './release.js';
import { deadSessions } from './staging.js';

export interface Missing {
  kind: 'blob' | 'object' | 'layer' | 'tree';
  id: string;
  what: string;
  /** Images that cannot be used without it. */
  images: string[];
}

export interface FsckResult {
  checked: { images: number; layers: number; objects: number; blobs: number; trees: number };
  /** Listed, but not there or not as listed. */
  missing: Missing[];
  /** There, but not listed: garbage, which gc sweeps or `--repair` removes. */
  stray: string[];
  /** Counts of references that a new count does not confirm. */
  miscounted: string[];
  repaired: string[];
  ok: boolean;
}

export async function fsckStore(store: StoreContext, options: OperationOptions = {}): Promise<FsckResult> {
  return store.uses.during(options.signal, async () => new Fsck(store, options).run());
}

class Fsck {
  readonly #store: StoreContext;
  readonly #options: OperationOptions;
  readonly #missing: Missing[] = [];
  readonly #stray: string[] = [];
  readonly #miscounted: string[] = [];
  /** Layer → names of the images that need it. */
  readonly #users = new Map<Key, string[]>();

  constructor(store: StoreContext, options: OperationOptions) {
    this.#store = store;
    this.#options = options;
  }

  async run(): Promise<FsckResult> {
    const { index } = this.#store;
    const images = [...allImages(index)];
    for (const image of images) {
      for (const layer of image.layers) this.#users.set(layer, [...(this.#users.get(layer) ?? []), image.name]);
    }
    const layers = new Map([...index.layers.getRange()].map(({ value }): [Key, LayerRecord] => [value.key, value]));
    for (const image of images) {
      for (const layer of image.layers) {
        if (!layers.has(layer))
          this.#missing.push({ kind: 'layer', id: layer, what: 'not listed', images: [image.name] });
      }
    }
    const counted = this.#count(layers);
    const objects = await this.#lookAtObjects(counted.objects);
    const blobs = this.#lookAtBlobs(counted.blobs);
    const trees = this.#lookAtTrees();
    this.#lookAtLeftovers();
    const ok = this.#missing.length === 0 && this.#miscounted.length === 0;
    return {
      checked: { images: images.length, layers: layers.size, objects, blobs, trees },
      missing: this.#missing,
      stray: this.#stray,
      miscounted: this.#miscounted,
      repaired: [],
      ok,
    };
  }

  /** References counted anew: object or blob → how many need it, and for objects the layers that do. */
  #count(layers: ReadonlyMap<Key, LayerRecord>): {
    objects: Map<string, Key[]>;
    blobs: Map<Key, { refs: number; images: string[] }>;
  } {
    const { index } = this.#store;
    const objects = new Map<string, Key[]>();
    const blobs = new Map<Key, { refs: number; images: string[] }>();
    const layerRefs = new Map<Key, number>();
    const needBlob = (key: Key, images: string[]): void => {
      const known = blobs.get(key) ?? { refs: 0, images: [] };
      blobs.set(key, { refs: known.refs + 1, images: [...known.images, ...images] });
    };
    for (const image of allImages(index)) {
      for (const blob of blobsOf(image)) needBlob(blob, [image.name]);
      for (const layer of new Set(image.layers)) layerRefs.set(layer, (layerRefs.get(layer) ?? 0) + 1);
    }
    for (const { value: tree } of index.trees.getRange()) {
      for (const layer of new Set(tree.layers)) layerRefs.set(layer, (layerRefs.get(layer) ?? 0) + 1);
    }
    for (const { value: blob, key } of index.blobs.getRange()) if (blob.put) needBlob(keyOf(key), []);
    for (const layer of layers.values()) {
      throwIfAborted(this.#options.signal);
      const users = this.#users.get(layer.key) ?? [];
      needBlob(layer.toc.key, users);
      needBlob(layer.recipe.key, users);
      if (layer.refs !== (layerRefs.get(layer.key) ?? 0)) this.#miscounted.push(`layer ${layer.key}`);
      const names = objectsOfLayer(this.#store, layer);
      if (names === undefined) continue; // its blob is named below
      for (const name of names) objects.set(name, [...(objects.get(name) ?? []), layer.key]);
    }
    return { objects, blobs };
  }

  async #lookAtObjects(counted: ReadonlyMap<string, Key[]>): Promise<number> {
    const { index, layout } = this.#store;
    let objects = 0;
    const copies = new Set<string>();
    for (const { key, value } of index.objects.getRange()) {
      if (objects++ % 4096 === 0) throwIfAborted(this.#options.signal);
      const name = objectName(key);
      const layers = counted.get(name) ?? [];
      if (value.refs !== layers.length) this.#miscounted.push(`object ${name}`);
      for (let n = 1; n <= value.copies; n++) copies.add(`${name}+${n}`);
      this.#lookAtFile('object', name, layout.object(name), value.size, () =>
        layers.flatMap((layer) => this.#users.get(layer) ?? []),
      );
    }
    for (const [name, layers] of counted) {
      if (index.objects.get(objectKey(name)) !== undefined) continue;
      const images = layers.flatMap((layer) => this.#users.get(layer) ?? []);
      this.#missing.push({ kind: 'object', id: name, what: 'not listed', images });
    }
    for (const name of filesBelow(layout.objects)) {
      if (!copies.has(name) && index.objects.get(objectKey(name)) === undefined) this.#stray.push(layout.object(name));
    }
    return objects;
  }

  #lookAtBlobs(counted: ReadonlyMap<Key, { refs: number; images: string[] }>): number {
    const { index, layout } = this.#store;
    let blobs = 0;
    for (const { key: bytes, value } of index.blobs.getRange()) {
      blobs++;
      const key = keyOf(bytes);
      const needed = counted.get(key);
      if (value.refs !== (needed?.refs ?? 0)) this.#miscounted.push(`blob ${key}`);
      this.#lookAtFile('blob', key, layout.blob(key), value.size, () => needed?.images ?? []);
    }
    for (const [key, { images }] of counted) {
      if (index.blobs.get(keyBytes(key)) === undefined)
        this.#missing.push({ kind: 'blob', id: key, what: 'not listed', images });
    }
    for (const name of filesBelow(layout.blobs)) {
      if (!/^[0-9a-f]{128}$/.test(name) || index.blobs.get(Buffer.from(name, 'hex')) === undefined) {
        this.#stray.push(join(layout.blobs, name.slice(0, 2), name.slice(2)));
      }
    }
    return blobs;
  }

  #lookAtFile(kind: 'blob' | 'object', id: string, path: string, size: number, images: () => string[]): void {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) this.#missing.push({ kind, id, what: 'missing', images: images() });
    else if (stat.size !== size)
      this.#missing.push({ kind, id, what: `${stat.size} bytes instead of ${size}`, images: images() });
  }

  #lookAtTrees(): number {
    const { index, layout } = this.#store;
    let trees = 0;
    for (const { value: tree } of index.trees.getRange()) {
      trees++;
      if (fs.existsSync(layout.rootfs(tree.id))) continue;
      const images = tree.images.map((key) => index.image(key)?.name ?? key);
      this.#missing.push({ kind: 'tree', id: tree.id, what: 'missing', images });
    }
    for (const name of fs.readdirSync(layout.trees)) {
      if (index.trees.get(name) === undefined) this.#stray.push(join(layout.trees, name));
    }
    return trees;
  }

  /** Staging of dead processes, and lock files that nobody holds. */
  #lookAtLeftovers(): void {
    const { layout, staging } = this.#store;
    if (this.#store.readOnly) return;
    for (const { dir, lock } of deadSessions(layout.staging, staging.session)) {
      this.#stray.push(dir);
      lock.release();
    }
    for (const name of fs.readdirSync(layout.locks)) {
      const path = join(layout.locks, name);
      if (path === layout.useLock) continue;
      const held = tryLock(path, true);
      if (held === undefined) continue;
      this.#stray.push(path);
      held.release();
    }
  }
}

/** Names of all files in a sharded directory, put together again. */
function* filesBelow(root: string): Generator<string> {
  for (const shard of fs.readdirSync(root)) {
    for (const file of fs.readdirSync(join(root, shard))) yield shardedName(shard, file);
  }
}
