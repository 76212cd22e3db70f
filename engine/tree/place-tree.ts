/**
 * Puts a tree outside the store. It is made beside its destination, in a directory that only its owner can enter, and
 * renamed into place when complete.
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import type { Skipped } from '../../workers/tasks/parts.js';
import type { RenderMode } from '../../workers/tasks/render.js';
import { discard } from '../content/delete.js';
import { CairnError, hasCode } from '../core/errors.js';
import type { Identity } from '../core/metadata.js';
import type { OperationOptions } from '../core/operation.js';
import { Disk, moveAside, moveIntoFreePlace, moveIntoPlace, syncDirectory } from '../disk/durable.js';
import { findIdentity } from '../disk/identity.js';
import { besideStaging } from '../disk/layout.js';
import { PrivateDirectory } from '../disk/private-directory.js';
import type { PackedPlan } from '../plan/packed-plan.js';
import type { StoreContext } from '../session/context.js';
import { besideDestination, mustBeApart } from '../session/destination.js';
import { execute } from './execute.js';
import { noteCopies } from './note-copies.js';

export interface TreePlacement extends OperationOptions {
  /** Absolute. */
  target: string;
  mode: RenderMode;
  /** Added to every owner's uid and gid. */
  uidShift?: number;
  /** Replace an existing destination. */
  force?: boolean;
  /** Where the root file system is in the directory that is made; the directory itself may be it. */
  rootfs: (inside: string) => string;
  /** Puts something beside the root file system, once that is complete. */
  fill?: (inside: string, made: { skipped: Skipped; identity: Identity }) => void | Promise<void>;
  /** Permission bits of the directory around a root file system, for which it is 0700 by default. */
  opensTo?: number;
}

/** The root file system itself is at the destination. */
export function bareRoot(inside: string): string {
  return inside;
}

export async function placeTree(store: StoreContext, plan: PackedPlan, placement: TreePlacement): Promise<Skipped> {
  const { target, mode, uidShift = 0, rootfs, fill, opensTo } = placement;
  const isBare = rootfs === bareRoot;
  const disk = new Disk(dirname(target));
  let made: PrivateDirectory | undefined;
  try {
    disk.open();
    const beside = besideDestination(target);
    made = new PrivateDirectory(beside);
    const identity = findIdentity(made.inside);
    const place = { root: rootfs(made.inside), disk, mode, uidShift, identity };
    const { copies, skipped } = await execute(store, plan, place, placement);
    if (fill !== undefined) await fill(made.inside, { skipped, identity });
    if (Object.keys(copies).length > 0) await store.index.commit(() => noteCopies(store, copies));
    // Others may enter only now: no file has wrong metadata any more.
    if (!isBare && opensTo !== undefined) made.open(opensTo);
    await disk.sync();
    if (placement.force === true) await replace(store, target, beside);
    else placeAtEmpty(target, beside);
    made.close();
    made = undefined;
    syncDirectory(dirname(target));
    return skipped;
  } finally {
    await disk.close();
    if (made !== undefined) await discard(store, made.contents());
    made?.remove();
  }
}

/** Deletes the old destination only when the new one is in place. */
async function replace(store: StoreContext, target: string, made: string): Promise<void> {
  const { old } = besideStaging(made);
  // Root deletes in a directory that nobody else can enter: files there cannot be exchanged for links meanwhile.
  const trash = process.geteuid?.() === 0 ? new PrivateDirectory(old) : undefined;
  const inTrash = trash === undefined ? old : `${trash.inside}/old`;
  try {
    const wasThere = moveAside(target, inTrash);
    try {
      moveIntoPlace(made, target);
    } catch (error) {
      if (wasThere) moveIntoPlace(inTrash, target);
      throw error;
    }
    if (wasThere) await discard(store, [inTrash]);
  } finally {
    trash?.remove();
  }
}

/** Anything that has appeared at the destination since the check stays there. */
function placeAtEmpty(target: string, made: string): void {
  try {
    fs.rmdirSync(target);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw hasCode(error, 'ENOTEMPTY', 'ENOTDIR') ? alreadyThere(target) : error;
  }
  if (!moveIntoFreePlace(made, target)) throw alreadyThere(target);
}

function alreadyThere(target: string): CairnError {
  return new CairnError('ERR_EXISTS', `${target} is there already; --force replaces it`, { path: target });
}

/** @throws CairnError `ERR_EXISTS`, `ERR_USAGE` for the root directory or one in the store */
export function mustBeFreeFor(store: StoreContext, target: string, force: boolean): void {
  if (dirname(target) === target)
    throw new CairnError('ERR_USAGE', 'refusing to replace the root directory', { path: target });
  mustBeApart(store, target);
  const there = fs.lstatSync(target, { throwIfNoEntry: false });
  if (there === undefined || force) return;
  if (there.isDirectory() && fs.readdirSync(target).length === 0) return;
  throw alreadyThere(target);
}
