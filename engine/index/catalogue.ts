/** All that an index says of images and trees at one moment, in memory. Work that looks at all of them uses this. */
import type { HashPrefix, Key } from '../core/key.js';
import { allImages, type ImageLookup, imagesByHash, referencesOf } from './images.js';
import type { Index } from './open.js';
import type { ImageRecord, TreeRecord } from './records.js';

export class Catalogue implements ImageLookup {
  readonly images = new Map<Key, ImageRecord>();
  readonly trees = new Map<string, TreeRecord>();
  readonly #named = new Map<string, ImageRecord[]>();
  readonly #treesOf = new Map<Key, TreeRecord[]>();
  readonly #index: Index;

  constructor(index: Index) {
    this.#index = index;
    for (const image of allImages(index)) {
      this.images.set(image.key, image);
      for (const name of new Set(referencesOf(image).map((each) => each.name))) append(this.#named, name, image);
    }
    for (const tree of index.trees.values()) {
      this.trees.set(tree.id, tree);
      for (const key of tree.images) append(this.#treesOf, key, tree);
    }
  }

  image(key: Key): ImageRecord | undefined {
    return this.images.get(key);
  }

  named(name: string): readonly ImageRecord[] {
    return this.#named.get(name) ?? [];
  }

  byHash(prefix: HashPrefix, limit: number): Map<Key, string> {
    return imagesByHash(this.#index, prefix, limit);
  }

  treesOf(image: Key): readonly TreeRecord[] {
    return this.#treesOf.get(image) ?? [];
  }
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
