/** Makes a private tree outside the store. It is made beside its destination, and renamed into place when complete. */
import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Skipped } from '../../workers/tasks/parts.js';
import type { RenderMode } from '../../workers/tasks/render.js';
import { discard } from '../content/delete.js';
import { noteUse } from '../content/last-used.js';
import { toText } from '../core/bytes.js';
import { CairnError, hasCode } from '../core/errors.js';
import type { FindOptions } from '../core/finding.js';
import { MAX_ID } from '../core/limits.js';
import type { OperationOptions } from '../core/operation.js';
import { Disk, moveAside, moveIntoFreePlace, moveIntoPlace, syncDirectory } from '../disk/durable.js';
import { findIdentity } from '../disk/identity.js';
import { besideStaging, manifestIn, rootfsIn } from '../disk/layout.js';
import { PrivateDirectory } from '../disk/private-directory.js';
import type { ImageRecord } from '../index/records.js';
import type { PackedPlan } from '../plan/packed-plan.js';
import type { Plan } from '../plan/plan.js';
import { mustBeComplete } from '../resolve/completeness.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import { packForWorkers, planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import { besideDestination, mustBeApart } from '../session/destination.js';
import { canReflink } from '../session/modes.js';
import { checkPathLengths, execute } from './execute.js';
import { noteCopies } from './note-copies.js';
import type { Rendered } from './options.js';

/** `pull` is `missing` by default. */
export interface CheckoutOptions extends OperationOptions, FindOptions {
  /** By default, reflinks where possible, else copies. `link` shares files with the store: for reading only. */
  mode?: RenderMode;
  /** Put the root file system itself at the destination, without a manifest beside it. */
  rootfsOnly?: boolean;
  /** Replace an existing destination. */
  force?: boolean;
  /** Added to every owner's uid and gid. */
  uidShift?: number;
}

export interface CheckedOut extends Rendered {
  dir: string;
}

/** @throws CairnError `ERR_EXISTS`, `ERR_USAGE` for the root directory or one in the store, and as rendering does */
export async function checkoutImage(
  store: StoreContext,
  image: ImageRecord,
  dir: string,
  options: CheckoutOptions = {},
): Promise<CheckedOut> {
  const begun = performance.now();
  const target = resolve(dir);
  checkTarget(store, target, options.force === true);
  const stack = layerStackOf(store, image);
  mustBeComplete(store, stack);
  const mode = options.mode ?? (canReflink(store, dirname(target)) ? 'reflink' : 'copy');
  if (mode === 'link') checkLinkable(store, target);
  if (mode === 'link' && (options.uidShift ?? 0) !== 0) {
    throw new CairnError('ERR_USAGE', 'files that are shared with the store cannot have other owners; use --mode copy');
  }
  return store.uses.during(options.signal, async () => {
    await store.pool.warm('render');
    const plan = planOf(store, stack);
    const packed = packForWorkers(store, plan);
    checkPathLengths(packed, rootfsIn(target));
    checkShift(plan, options.uidShift ?? 0);
    const manifest = stack.documents(image.manifest);
    const skipped = await makeBeside(store, packed, manifest, { ...options, mode, target });
    void noteUse(store, image);
    return {
      image: image.key,
      treeId: stack.treeId,
      dir: target,
      path: options.rootfsOnly === true ? target : rootfsIn(target),
      hash: packed.hash(),
      files: plan.files,
      bytes: plan.bytes,
      uniqueBytes: mode === 'copy' ? plan.bytes : 0,
      mode,
      existed: false,
      skipped,
      ms: Math.round(performance.now() - begun),
    };
  });
}

/** Makes the tree beside its destination, in a directory that only its owner can enter, and moves it into place. */
async function makeBeside(
  store: StoreContext,
  plan: PackedPlan,
  manifest: Buffer,
  options: CheckoutOptions & { mode: RenderMode; target: string },
): Promise<Skipped> {
  const { target, mode, uidShift = 0 } = options;
  const isBare = options.rootfsOnly === true;
  const disk = new Disk(dirname(target));
  let made: PrivateDirectory | undefined;
  try {
    disk.open();
    const beside = besideDestination(target);
    made = new PrivateDirectory(beside);
    const root = isBare ? made.inside : rootfsIn(made.inside);
    const place = { root, disk, mode, uidShift, identity: findIdentity(made.inside) };
    const { copies, skipped } = await execute(store, plan, place, options);
    if (!isBare) fs.writeFileSync(manifestIn(made.inside), manifest, { flag: 'wx' });
    if (Object.keys(copies).length > 0) await store.index.commit(() => noteCopies(store, copies));
    // Others may enter only now: no file has wrong metadata any more.
    if (!isBare) made.open(0o755);
    await disk.sync();
    if (options.force === true) await replace(store, target, beside);
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

function checkTarget(store: StoreContext, target: string, force: boolean): void {
  if (dirname(target) === target)
    throw new CairnError('ERR_USAGE', 'refusing to replace the root directory', { path: target });
  mustBeApart(store, target);
  const there = fs.lstatSync(target, { throwIfNoEntry: false });
  if (there === undefined || force) return;
  if (there.isDirectory() && fs.readdirSync(target).length === 0) return;
  throw alreadyThere(target);
}

/** The highest 32-bit number stands for no id, and there are no higher ids. */
function checkShift({ entries }: Plan, shift: number): void {
  const far = entries.find(({ uid, gid }) => Math.max(uid, gid) + shift > MAX_ID || Math.min(uid, gid) + shift < 0);
  if (far === undefined) return;
  const why = `--uid-shift ${shift} leads out of what owners can be: ${far.uid}:${far.gid}`;
  throw new CairnError('ERR_USAGE', why, { entry: toText(far.path) || '.' });
}

function checkLinkable(store: StoreContext, target: string): void {
  if (store.objects.canLinkTo(dirname(target))) {
    store.notice(`${target} shares its files with the store: do not write to them`);
    return;
  }
  throw new CairnError('ERR_UNSUPPORTED', 'hard links cannot leave the file system of the store; use --mode copy', {
    path: target,
  });
}
