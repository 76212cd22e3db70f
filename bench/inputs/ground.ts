/** What scenarios are made of: inputs, and a place to work in. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { ObjectLayout } from '../../engine/session/format.js';
import { type Build, importAll, makeStore, render, type Store, storeAt } from '../measure/cairn.js';
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
  /** How their stores keep the contents of files; undefined for whatever the build makes by itself. */
  layout?: ObjectLayout;
}

/** A store of the ground's build and layout. */
export function storeIn({ dir, build, layout }: Ground, name: string): Store {
  return storeAt(join(dir, name), build, layout);
}

/** The corpus's uppermost image. */
export function topOf({ names }: Corpus): string {
  return names.at(-1) as string;
}

/** A store that has all images, made once and used by every scenario that wants one. */
export async function stock(ground: Ground): Promise<Store> {
  const store = storeIn(ground, 'stock');
  if (fs.existsSync(store.dir)) return store;
  await makeStore(store);
  await importAll({ run }, store, ground.corpus.images);
  return store;
}

/** The same with the tree of the uppermost one. @returns the tree's root directory, too */
export async function renderedStock(ground: Ground): Promise<{ store: Store; tree: string }> {
  const store = await stock(ground);
  return { store, tree: (await render({ run }, store, topOf(ground.corpus))).path };
}
