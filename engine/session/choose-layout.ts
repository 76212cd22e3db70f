/** Chooses how a new store keeps the contents of files. */
import { randomInt } from 'node:crypto';
import * as fs from 'node:fs';
import { CairnError } from '../core/errors.js';
import { type Layout, probeBeside } from '../disk/layout.js';
import type { ObjectLayout } from './format.js';

/** `auto`: packs where trees can be mounted from them, else a file for each content. */
export type LayoutChoice = ObjectLayout | 'auto';

const CHOICES: readonly LayoutChoice[] = ['auto', 'loose', 'packs'];

/**
 * What was asked for, else what `CAIRN_LAYOUT` says, else `auto`.
 * @param layout of an existing directory, which may become a store
 * @throws CairnError `ERR_USAGE` for a variable that says none of these
 */
export async function chosenLayout(layout: Layout, asked: LayoutChoice | undefined): Promise<ObjectLayout> {
  const said = process.env['CAIRN_LAYOUT'] || 'auto';
  const choice = asked ?? CHOICES.find((each) => each === said);
  if (choice === undefined)
    throw new CairnError('ERR_USAGE', `CAIRN_LAYOUT is ${said}; it may be ${CHOICES.join(', ')}`);
  if (choice !== 'auto') return choice;
  return (await canMountFrom(layout)) ? 'packs' : 'loose';
}

/** Tries it on the file system that the store will lie on. */
async function canMountFrom(layout: Layout): Promise<boolean> {
  const dir = probeBeside(layout.format, randomInt(2 ** 47));
  try {
    // Before anything is in it: nobody else may exchange what is tried.
    fs.chmodSync(layout.dir, 0o700);
    fs.mkdirSync(dir, { mode: 0o700 });
    const { tryMountIn } = await import('./modes.js');
    return tryMountIn(dir, true).ok;
  } catch {
    // Whatever keeps a directory from being made there is told of when the store is made.
    return false;
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
