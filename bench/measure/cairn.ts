/** Runs cairn's command line, and reads what it prints. */
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ObjectLayout } from '../../engine/session/format.js';
import { type Command, type Runner, run } from './process.js';

/** One build of cairn; a run may measure two of them beside each other. */
export interface Build {
  /** Empty for the build of this checkout. */
  name: string;
  program: string;
}

export const THIS_BUILD: Build = { name: '', program: fileURLToPath(new URL('../../cli/cairn.cjs', import.meta.url)) };

/** A store, and the build that works on it. */
export interface Store {
  dir: string;
  build: Build;
  /** How it keeps the contents of files; undefined for whatever the build makes by itself. */
  layout: ObjectLayout | undefined;
}

/** Each build and each layout has a store of its own, as another build may write another format. */
export function storeAt(dir: string, build: Build, layout?: ObjectLayout): Store {
  return { dir: [dir, layout ?? '', build.name].filter((part) => part !== '').join('-'), build, layout };
}

/** Makes a store of its layout, if it is to have one. A build from before there were layouts keeps files. */
export async function makeStore(store: Store): Promise<void> {
  if (store.layout === undefined || fs.existsSync(store.dir)) return;
  try {
    await run(cairn(store, 'init', '--layout', store.layout));
  } catch (error) {
    if (store.build.name === '' || store.layout === 'packs') throw error;
  }
}

/** A command of cairn's that prints JSON. */
export function cairn({ dir, build }: Store, ...args: string[]): Command {
  return [process.execPath, build.program, '--store', dir, '--json', ...args];
}

/** A question that needs no store. */
export function cairnAlone({ program }: Build, ...args: string[]): Command {
  return [process.execPath, program, ...args];
}

export interface Rendered {
  treeId: string;
  path: string;
  existed: boolean;
  bytes: number;
}

/** The tree of links, also where the tree is there to be mounted, or would be mounted by default. */
export async function render(runner: Runner, store: Store, image: string, ...flags: string[]): Promise<Rendered> {
  const command = cairn(store, ...flags, 'render', '--mode', 'link', image);
  const [rendered] = JSON.parse(await runner.run(command)) as [Rendered];
  return rendered;
}

export interface Imported {
  key: string;
  existed: boolean;
  size: number;
}

export async function importAll(
  runner: Runner,
  store: Store,
  sources: readonly string[],
  ...flags: string[]
): Promise<Imported[]> {
  return JSON.parse(await runner.run(cairn(store, ...flags, 'import', ...sources))) as Imported[];
}

/** Imports images that must be new to the store. */
export async function importNew(
  runner: Runner,
  store: Store,
  sources: readonly string[],
  ...flags: string[]
): Promise<Imported[]> {
  const imported = await importAll(runner, store, sources, ...flags);
  expect(
    imported.every(({ existed }) => !existed),
    'an image was there already',
  );
  return imported;
}

/** Fetches an image that must be new to the store. @param ref `docker://…` */
export async function fetchNew(runner: Runner, store: Store, ref: string, ...flags: string[]): Promise<Imported> {
  const [fetched] = JSON.parse(await runner.run(cairn(store, 'fetch', ...flags, ref))) as [Imported];
  expect(!fetched.existed, 'the image was there already');
  return fetched;
}

/** Renders a tree that must be new to the store. */
export async function renderNew(runner: Runner, store: Store, image: string, ...flags: string[]): Promise<Rendered> {
  const rendered = await render(runner, store, image, ...flags);
  expect(!rendered.existed, 'the tree was there already');
  return rendered;
}

/** Mounts the tree of an image. */
export async function mount(runner: Runner, store: Store, image: string): Promise<Rendered> {
  return JSON.parse(await runner.run(cairn(store, 'mount', image))) as Rendered;
}

/** Mounts a tree that must be new to the store. */
export async function mountNew(runner: Runner, store: Store, image: string): Promise<Rendered> {
  const mounted = await mount(runner, store, image);
  expect(!mounted.existed, 'the tree was there already');
  return mounted;
}

export async function unmountAll(store: Store): Promise<void> {
  const mounts = JSON.parse(await run(cairn(store, 'mount', 'ls'))) as { path: string }[];
  if (mounts.length > 0) await run(cairn(store, 'umount', ...mounts.map(({ path }) => path)));
}

/** Removes all trees from a store, and keeps the images. */
export async function removeTrees(store: Store): Promise<void> {
  const trees = JSON.parse(await run(cairn(store, 'tree', 'ls'))) as { treeId: string }[];
  if (trees.length > 0) await run(cairn(store, 'tree', 'rm', ...trees.map(({ treeId }) => treeId)));
}

/** Ends a run that did not do the work that it should measure. */
export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the run was not what it should measure: ${what}`);
}
