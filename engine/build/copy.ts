/**
 * Copies files of the host into a working tree. Paths in the tree mean what they mean to a process whose root it is.
 * Copies keep their times, and directories that get something new keep theirs: what is built of the same files is the
 * same on any day.
 */
import * as fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Skipped } from '../../workers/tasks/parts.js';
import { mergeSkipped } from '../../workers/tasks/skipped.js';
import type { CopiedTree } from '../../workers/tasks/walk.js';
import { deletePaths } from '../content/delete.js';
import { fromText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { type OperationOptions, telling } from '../core/operation.js';
import { areNested } from '../core/path.js';
import { moveIntoPlace } from '../disk/durable.js';
import { findIdentity } from '../disk/identity.js';
import { type DirectoryInRoot, noteTime, openInRoot } from '../disk/open-in-root.js';
import { besideDestination } from '../session/destination.js';
import type { Pool } from '../session/pool.js';
import { type EditOptions, noteCommand } from './edit.js';
import { withBuildLock } from './lock.js';
import { type BuildPlace, placeOfBuild } from './place.js';

export interface CopyOptions extends OperationOptions, Pick<EditOptions, 'command'> {
  /** The path in the tree is that of a directory to copy into. */
  toDirectory?: boolean;
}

export interface Copied {
  files: number;
  bytes: number;
  /** Metadata that could not be set, by kind. */
  skipped: Skipped;
  /** Sockets, which no image can have, and mounts, which were taken as empty directories. */
  passedOver: string[];
}

/**
 * @param sources paths of the host; a symlink is copied as such
 * @param dest a path in the tree. Missing directories above it are made.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_EXISTS` where a directory is in the way, `ERR_USAGE`, `ERR_HELD`, `ERR_IO`
 */
export async function copyIntoBuild(
  pool: Pool,
  dir: string,
  { sources, dest }: { sources: readonly string[]; dest: string },
  options: CopyOptions = {},
): Promise<Copied> {
  const place = placeOfBuild(resolve(dir));
  const paths = sources.map((source) => resolve(source));
  for (const path of paths) checkSource(place, path);
  return withBuildLock(place, async () => {
    const result: Copied = { files: 0, bytes: 0, skipped: {}, passedOver: [] };
    const { parent, names } = await destinations(place, paths, dest, options.toDirectory === true);
    try {
      for (const [i, source] of paths.entries()) refuseInTheWay(source, parent, names[i] as string);
      for (const [i, source] of paths.entries()) {
        const copied = await copyOne(pool, place, { source, parent, name: names[i] as string }, options);
        result.files += copied.files;
        result.bytes += copied.bytes;
        mergeSkipped(result.skipped, copied.skipped);
        result.passedOver.push(...[...copied.sockets, ...copied.mounts].map((path) => join(source, path)));
      }
    } finally {
      parent.close();
    }
    noteCommand(place, options.command);
    return result;
  });
}

function checkSource({ dir }: BuildPlace, source: string): void {
  const stat = fs.lstatSync(source, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new CairnError('ERR_NOT_FOUND', `no such file or directory: ${source}`, { path: source });
  if (!stat.isDirectory() || !areNested(fs.realpathSync(dir), fs.realpathSync(source))) return;
  throw new CairnError('ERR_USAGE', `${source} and the build lie in one another`, { path: source });
}

/** The directory to copy into, and the names that the copies get there. */
async function destinations(
  { rootfs }: BuildPlace,
  sources: readonly string[],
  dest: string,
  toDirectory: boolean,
): Promise<{ parent: DirectoryInRoot; names: string[] }> {
  if (toDirectory) {
    const names = sources.map((source) => basename(source));
    return { parent: openInRoot(rootfs, fromText(dest), true), names };
  }
  if (dest.endsWith('/'))
    throw new CairnError('ERR_USAGE', `${dest} ends in a slash; "cairn build copy-to-dir" copies into a directory`);
  const name = basename(dest);
  if (['', '.', '..'].includes(name))
    throw new CairnError('ERR_USAGE', `${dest} is a directory; "cairn build copy-to-dir" copies into it`);
  return { parent: openInRoot(rootfs, fromText(dirname(dest)), true), names: [name] };
}

/** Files take the places of files. A directory neither takes another place nor gives its own. */
function refuseInTheWay(source: string, { path }: DirectoryInRoot, name: string): void {
  const there = fs.lstatSync(`${path}/${name}`, { throwIfNoEntry: false });
  if (there === undefined || !(there.isDirectory() || fs.lstatSync(source).isDirectory())) return;
  const help = there.isDirectory() ? '; "cairn build copy-to-dir" copies into it' : '';
  throw new CairnError('ERR_EXISTS', `${name} is there already in the tree${help}`, { entry: name });
}

async function copyOne(
  pool: Pool,
  place: BuildPlace,
  { source, parent, name }: { source: string; parent: DirectoryInRoot; name: string },
  options: OperationOptions,
): Promise<CopiedTree> {
  // Files in a directory may get its group in place of ours, so that each is given its own.
  const identity = { ...findIdentity(place.notes), gid: -1 };
  const temporary = besideDestination(join(parent.path, name));
  const onProgress = telling(options, { what: 'copying', unit: 'items' });
  const setBack = noteTime(parent);
  try {
    const copying = { source, target: temporary, identity };
    const copied = await pool.ask('copy-tree', copying, { signal: options.signal, onProgress });
    moveIntoPlace(temporary, join(parent.path, name));
    return copied;
  } catch (error) {
    await deletePaths(pool, [temporary]);
    throw error;
  } finally {
    setBack();
  }
}
