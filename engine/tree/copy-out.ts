/** Copies a file or a directory out of an image, without rendering the image. */
import * as fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Skipped } from '../../workers/tasks/parts.js';
import { discard } from '../content/delete.js';
import { noteUse } from '../content/last-used.js';
import { fromText, toText } from '../core/bytes.js';
import { CairnError, hasCode } from '../core/errors.js';
import type { OperationOptions } from '../core/operation.js';
import { baseOf } from '../core/path.js';
import { Disk, moveAside, moveIntoFreePlace, moveIntoPlace, syncDirectory } from '../disk/durable.js';
import { findIdentity } from '../disk/identity.js';
import { besideStaging } from '../disk/layout.js';
import { PrivateDirectory } from '../disk/private-directory.js';
import type { ImageRecord } from '../index/records.js';
import type { Plan, PlanEntry } from '../plan/plan.js';
import { subPlan } from '../plan/sub-plan.js';
import { mustBeComplete } from '../resolve/completeness.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import { mustFind } from '../resolve/path-in-image.js';
import { packForWorkers, planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import { besideDestination, mustBeApart } from '../session/destination.js';
import { canReflink } from '../session/modes.js';
import { checkPathLengths, execute } from './execute.js';

export interface CopyOutOptions extends OperationOptions {
  /** Copy what a symlink at the end of the path leads to, not the symlink. */
  followLink?: boolean;
  /** Replace what is there. */
  force?: boolean;
}

export interface CopiedOut {
  /** Where the file or directory is now. */
  path: string;
  files: number;
  bytes: number;
  skipped: Skipped;
}

/**
 * @param path inside the image; symlinks before its end are followed inside it
 * @param dest an existing directory to copy into, or the path to give
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_EXISTS`, `ERR_USAGE` for a destination in the store; as rendering does
 */
export async function copyOut(
  store: StoreContext,
  image: ImageRecord,
  { path, dest }: { path: string; dest: string },
  options: CopyOutOptions = {},
): Promise<CopiedOut> {
  const stack = layerStackOf(store, image);
  mustBeComplete(store, stack);
  const plan = planOf(store, stack);
  const top = mustFind(plan, image, path, options.followLink === true);
  const target = targetOf(top, path, dest);
  mustBeApart(store, target);
  if (options.force !== true && isThere(target)) throw alreadyThere(target);
  const name = fromText(basename(target));
  const part = ownRoot(subPlan(plan, top, name));
  return store.uses.during(options.signal, async () => {
    await store.pool.warm('render');
    const packed = packForWorkers(store, part);
    const mode = canReflink(store, dirname(target)) ? 'reflink' : 'copy';
    const disk = new Disk(dirname(target));
    const made = new PrivateDirectory(besideDestination(target));
    try {
      disk.open();
      const root = join(made.inside, 'tree');
      checkPathLengths(packed, root);
      const place = { root, disk, mode, uidShift: 0, identity: findIdentity(made.inside) } as const;
      const { skipped } = await execute(store, packed, place, options);
      await disk.sync();
      await moveOver(store, join(root, basename(target)), target, options.force === true);
      syncDirectory(dirname(target));
      void noteUse(store, image);
      return { path: target, files: part.files, bytes: part.bytes, skipped };
    } finally {
      await disk.close();
      await discard(store, made.contents());
      made.remove();
    }
  });
}

/** The directory that holds the copy while it is made belongs to us, and is no part of it. */
function ownRoot(part: Plan): Plan {
  const [root, ...entries] = part.entries as [PlanEntry, ...PlanEntry[]];
  const owner = { uid: process.geteuid?.() ?? root.uid, gid: process.getegid?.() ?? root.gid };
  return { ...part, entries: [{ ...root, ...owner }, ...entries] };
}

function targetOf(top: PlanEntry, path: string, dest: string): string {
  const given = resolve(dest);
  if (fs.statSync(given, { throwIfNoEntry: false })?.isDirectory() !== true) return given;
  const name = toText(baseOf(top.path)) || basename(path);
  if (name === '' || name === '.' || name === '..')
    throw new CairnError('ERR_EXISTS', `${dest} is there already; the root of an image has no name in it`, {
      path: dest,
    });
  return join(given, name);
}

function isThere(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function alreadyThere(path: string): CairnError {
  return new CairnError('ERR_EXISTS', `${path} is there already; --force replaces it`, { path });
}

async function moveOver(store: StoreContext, made: string, target: string, force: boolean): Promise<void> {
  if (!force) {
    if (!moveIntoFreePlace(made, target)) throw alreadyThere(target);
    return;
  }
  try {
    moveIntoPlace(made, target);
  } catch (error) {
    // A directory takes the place of neither a file nor a directory that has something in it.
    if (!hasCode(error, 'EEXIST', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR')) throw error;
    const { old } = besideStaging(made);
    moveAside(target, old);
    moveIntoPlace(made, target);
    await discard(store, [old]);
  }
}
