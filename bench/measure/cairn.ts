/** cairn as the contestants run it: its command line, and what that says. */
import { fileURLToPath } from 'node:url';
import { type Command, type Runner, run } from './process.js';

const PROGRAM = fileURLToPath(new URL('../../cli/cairn.cjs', import.meta.url));

/** A command of cairn's that prints JSON. */
export function cairn(store: string, ...args: string[]): Command {
  return [process.execPath, PROGRAM, '--store', store, '--json', ...args];
}

/** A question that needs no store. */
export function cairnAlone(...args: string[]): Command {
  return [process.execPath, PROGRAM, ...args];
}

export interface Rendered {
  treeId: string;
  path: string;
  existed: boolean;
  bytes: number;
}

export async function render(runner: Runner, store: string, image: string, ...flags: string[]): Promise<Rendered> {
  const [rendered] = JSON.parse(await runner.run(cairn(store, ...flags, 'render', image))) as [Rendered];
  return rendered;
}

export interface Imported {
  key: string;
  existed: boolean;
  size: number;
}

export async function importAll(
  runner: Runner,
  store: string,
  sources: readonly string[],
  ...flags: string[]
): Promise<Imported[]> {
  return JSON.parse(await runner.run(cairn(store, ...flags, 'import', ...sources))) as Imported[];
}

/** Imports what must not have been there. */
export async function importNew(
  runner: Runner,
  store: string,
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

/** Renders what must not have been there. */
export async function renderNew(runner: Runner, store: string, image: string, ...flags: string[]): Promise<Rendered> {
  const rendered = await render(runner, store, image, ...flags);
  expect(!rendered.existed, 'the tree was there already');
  return rendered;
}

/** Takes all trees out of a store; the images stay. */
export async function removeTrees(store: string): Promise<void> {
  const trees = JSON.parse(await run(cairn(store, 'tree', 'ls'))) as { treeId: string }[];
  if (trees.length > 0) await run(cairn(store, 'tree', 'rm', ...trees.map(({ treeId }) => treeId)));
}

/** A run that did not do the work must not count. */
export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the run was not what it should measure: ${what}`);
}
