/** What scenarios are made of: inputs, and a place to work in. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { importAll, render } from '../measure/cairn.js';
import { run } from '../measure/process.js';
import type { Corpus } from './corpus.js';
import type { Sizes } from './sizes.js';

export interface Ground {
  corpus: Corpus;
  sizes: Sizes;
  /** On the file system that is measured. */
  dir: string;
}

/** The corpus's uppermost image. */
export function topOf({ names }: Corpus): string {
  return names.at(-1) as string;
}

/** A store that has all images, made once and used by every scenario that wants one. */
export async function stock({ corpus, dir }: Ground): Promise<string> {
  const store = join(dir, 'stock');
  if (!fs.existsSync(store)) await importAll({ run }, store, corpus.images);
  return store;
}

/** The same with the tree of the uppermost one. @returns the tree's root directory, too */
export async function renderedStock(ground: Ground): Promise<{ store: string; tree: string }> {
  const store = await stock(ground);
  return { store, tree: (await render({ run }, store, topOf(ground.corpus))).path };
}
