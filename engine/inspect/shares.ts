/** What each image takes by itself and what it has in common with others, from the index alone. */
import type { Key } from '../core/key.js';
import type { Catalogue } from '../index/catalogue.js';
import { referencesOf } from '../index/images.js';
import type { Index } from '../index/open.js';
import type { ImageRecord } from '../index/records.js';
import { bytesOfBlob } from '../index/references.js';
import { DependencyClosure } from '../resolve/dependencies.js';
import { nameText } from '../resolve/name.js';

/** Bytes on disk. Layers are told apart, not the objects in them: only tables of contents know those. */
export interface ImageShare {
  key: Key;
  names: string[];
  /** Of layers and kept archives that no other image has. */
  ownBytes: number;
  /** Of those that others have, too, and of the images that it depends on. */
  sharedBytes: number;
  /** Of content that only its trees have. */
  treeBytes: number;
}

export function sharesOf(index: Index, all: Catalogue): ImageShare[] {
  const users = usersOf(all);
  const needs = new DependencyClosure(all);
  const isShared = (key: Key): boolean => (users.get(key) ?? 0) > 1;
  const sizeOf = (key: Key): number => index.layer(key)?.objectBytes ?? blobBytes(index, key);
  return [...all.images.values()].map((image) => {
    const parts = partsOf(image);
    const own = parts.filter((key) => !isShared(key));
    const below = image.dependencies.length === 0 ? [] : partsBelow(all, needs, image);
    const shared = new Set([...parts.filter(isShared), ...below]);
    const trees = all.treesOf(image.key);
    return {
      key: image.key,
      names: referencesOf(image).map((name) => nameText(image.format, name)),
      ownBytes: sum(own.map(sizeOf)),
      sharedBytes: sum([...shared].map(sizeOf)),
      treeBytes: sum(trees.map(({ uniqueBytes }) => uniqueBytes)),
    };
  });
}

/** The keys of an image's layers and kept archives, each once. */
function partsOf({ layers, archives = [] }: ImageRecord): Key[] {
  return [...new Set([...layers, ...archives])];
}

function partsBelow(all: Catalogue, needs: DependencyClosure, image: ImageRecord): Key[] {
  const others = [...needs.of([image])].filter((key) => key !== image.key);
  return others.flatMap((key) => partsOf(all.image(key) as ImageRecord));
}

function usersOf(all: Catalogue): Map<Key, number> {
  const users = new Map<Key, number>();
  for (const image of all.images.values()) for (const key of partsOf(image)) users.set(key, (users.get(key) ?? 0) + 1);
  return users;
}

function blobBytes(index: Index, key: Key): number {
  const blob = index.blobs.get(key);
  return blob === undefined ? 0 : bytesOfBlob(blob);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
