/**
 * The places in a tree of what a runtime mounts: made where they are missing, and taken away again. The times of
 * directories are as if they had never been. A note of them is written first, so that those of a run that was killed
 * are found.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { CairnError } from '../../core/errors.js';
import { MAX_TREE_PLACES } from '../../core/limits.js';
import { baseOf, parentOf } from '../../core/path.js';
import { noteTime, openInRoot } from '../../disk/open-in-root.js';
import type { RootDirectory } from '../../disk/root-directory.js';
import { readSmallFile } from '../../disk/small-file.js';

export interface TreePlaces {
  directories: string[];
  files: string[];
}

/** @throws CairnError `ERR_UNSUPPORTED` where something else is in the way */
export function missingPlaces(tree: RootDirectory, files: readonly string[]): TreePlaces {
  const directories = ['/proc', '/sys', '/dev'].filter((path) => {
    const { stat } = tree.find(path, { followLast: false });
    if (stat === undefined || stat.isDirectory()) return stat === undefined;
    throw new CairnError(
      'ERR_UNSUPPORTED',
      `${path} in the tree is no directory, so that nothing can be mounted there`,
    );
  });
  return { directories, files: [...files] };
}

/** @param scratch a directory of the run's, for the note */
export function makePlaces(root: string, scratch: string, { directories, files }: TreePlaces): void {
  fs.writeFileSync(noteIn(scratch), [...directories, ...files].map((path) => `${path}\n`).join(''), { mode: 0o600 });
  for (const path of directories) openInRoot(root, path, true).close();
  for (const path of files) {
    const parent = openInRoot(root, parentOf(path), false);
    const setBack = noteTime(parent);
    fs.writeFileSync(`${parent.path}/${baseOf(path)}`, '', { flag: 'wx', mode: 0o644 });
    setBack();
    parent.close();
  }
}

/** Takes away what a run with this scratch directory has made in a tree, and what it has left as it was. */
export function takePlacesAway(root: string, scratch: string): void {
  const note = readSmallFile(noteIn(scratch), MAX_TREE_PLACES, true);
  if (note === undefined) return;
  for (const path of note.toString().split('\n').slice(0, -1).reverse()) takeAway(root, path);
  fs.rmSync(noteIn(scratch));
}

function noteIn(scratch: string): string {
  return join(scratch, 'places');
}

/** Takes away a place that the command has left as it was. The command may have put links into the tree. */
function takeAway(root: string, path: string): void {
  let parent: ReturnType<typeof openInRoot>;
  try {
    parent = openInRoot(root, parentOf(path), false);
  } catch {
    return;
  }
  try {
    const place = `${parent.path}/${baseOf(path)}`;
    const stat = fs.lstatSync(place, { throwIfNoEntry: false });
    const setBack = noteTime(parent);
    if (stat?.isFile() === true && stat.size === 0) fs.unlinkSync(place);
    else if (stat?.isDirectory() === true && fs.readdirSync(place).length === 0) fs.rmdirSync(place);
    setBack();
  } finally {
    parent.close();
  }
}
