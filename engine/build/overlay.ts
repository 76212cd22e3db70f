/**
 * A working tree over the trees of dependencies: an overlay, whose upper layer is the working tree. It marks what a
 * command deletes; no image has such marks.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type ByteString, fromText, toFsPath, toText } from '../core/bytes.js';
import { CairnError, isCairnError } from '../core/errors.js';
import { entriesIn } from '../disk/list-directory.js';
import { mountFilesystem, unmount } from '../disk/mount.js';
import { mountsBelow } from '../disk/mounts.js';
import { listXattrs, removeXattr } from '../disk/xattrs.js';
import { takePlacesAway } from '../pod/run/tree-places.js';
import type { BuildPlace } from './place.js';

/** The last dependency comes first, and the working tree before all of them. @returns the root of it all */
export function mountOver({ run, rootfs }: BuildPlace, trees: readonly string[]): string {
  const [target, work] = [targetIn(run), join(run, 'work')];
  for (const dir of [target, work]) fs.mkdirSync(dir, { mode: 0o700 });
  const opened: number[] = [];
  // Colons part the layers of an overlay, and commas its options.
  const plain = (path: string): string => {
    opened.push(fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY));
    return `/proc/self/fd/${opened.at(-1)}`;
  };
  try {
    const lower = trees.map(plain).reverse();
    mountFilesystem({
      type: 'overlay',
      options: [
        ['source', 'cairn'],
        ['lowerdir', lower.join(':')],
        ['upperdir', plain(rootfs)],
        ['workdir', plain(work)],
      ],
      target,
    });
  } catch (error) {
    if (!isCairnError(error, 'ERR_IO')) throw error;
    const why = `an ACI's dependencies cannot be laid under its tree here, which takes root and overlays: ${error.message}`;
    throw new CairnError('ERR_UNSUPPORTED', why, { cause: error });
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
  return target;
}

/**
 * Ends what is left of a run, of this process or of one that was killed: mounts, places in the tree, and marks. A
 * deleted file of a dependency is a mark, and so is a directory that was made anew in the place of one; what they hide
 * comes back.
 * @returns what was marked, as paths in the tree
 */
export function clearAfterRun({ run, rootfs, scratch }: BuildPlace): string[] {
  if (!fs.existsSync(run)) return [];
  for (const point of mountsBelow(run).reverse()) unmount(point, { lazy: true });
  takePlacesAway(rootfs, scratch);
  if (!fs.existsSync(targetIn(run))) return [];
  const top = fromText(rootfs);
  const marks = marksIn(top);
  for (const { path, isDirectory } of marks) {
    if (isDirectory) removeXattr(path, OPAQUE);
    else fs.unlinkSync(toFsPath(path));
  }
  fs.rmdirSync(targetIn(run));
  return marks.map(({ path }) => toText(path.slice(top.length)));
}

function targetIn(run: string): string {
  return join(run, 'rootfs');
}

interface Mark {
  path: ByteString;
  /** One that hides what lies below it. */
  isDirectory: boolean;
}

/** The attribute by which an overlay knows a directory that hides those below it. */
const OPAQUE = fromText('trusted.overlay.opaque');

function marksIn(dir: ByteString): Mark[] {
  return entriesIn(dir).flatMap(({ name }): Mark[] => {
    const path = `${dir}/${name}`;
    const stat = fs.lstatSync(toFsPath(path), { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) {
      const isOpaque = listXattrs(path)?.get(OPAQUE)?.toString('latin1') === 'y';
      return [...(isOpaque ? [{ path, isDirectory: true }] : []), ...marksIn(path)];
    }
    return stat?.isCharacterDevice() === true && stat.rdev === 0 ? [{ path, isDirectory: false }] : [];
  });
}
