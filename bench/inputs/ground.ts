/** What scenarios are made of: inputs, and a place to work in. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type Build, importAll, render, type Store, storeAt } from '../measure/cairn.js';
import { run } from '../measure/process.js';
import type { Corpus } from './corpus.js';
import type { Sizes } from './sizes.js';

export interface Ground {
  corpus: Corpus;
  sizes: Sizes;
  /** On the file system that is measured. */
  dir: string;
  /** What cairn's contestants run. */
  build: Build;
}

/** A store of the ground's build. */
export function storeIn({ dir, build }: Ground, name: string): Store {
  return storeAt(join(dir, name), build);
}

/** The corpus's uppermost image. */
export function topOf({ names }: Corpus): string {
  return names.at(-1) as string;
}

/** A store that has all images, made once and used by every scenario that wants one. */
export async function stock(ground: Ground): Promise<Store> {
  const store = storeIn(ground, 'stock');
  if (!fs.existsSync(store.dir)) await importAll({ run }, store, ground.corpus.images);
  return store;
}

/** The same with the tree of the uppermost one. @returns the tree's root directory, too */
export async function renderedStock(ground: Ground): Promise<{ store: Store; tree: string }> {
  const store = await stock(ground);
  return { store, tree: (await render({ run }, store, topOf(ground.corpus))).path };
}
