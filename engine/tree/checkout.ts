/** Makes a private tree of an image outside the store. */
import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { RenderMode } from '../../workers/tasks/render.js';
import { noteUse } from '../content/last-used.js';
import { toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import type { FindOptions } from '../core/finding.js';
import { MAX_ID } from '../core/limits.js';
import type { OperationOptions } from '../core/operation.js';
import { manifestIn, rootfsIn } from '../disk/layout.js';
import type { ImageRecord } from '../index/records.js';
import type { Plan } from '../plan/plan.js';
import { mustBeComplete } from '../resolve/completeness.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import { packForWorkers, planOf } from '../resolve/plan-image.js';
import type { StoreContext } from '../session/context.js';
import { canReflink } from '../session/modes.js';
import { checkPathLengths } from './execute.js';
import type { Rendered } from './options.js';
import { bareRoot, mustBeFreeFor, placeTree } from './place-tree.js';

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
  mustBeFreeFor(store, target, options.force === true);
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
    const isBare = options.rootfsOnly === true;
    const fill = (inside: string): void => fs.writeFileSync(manifestIn(inside), manifest, { flag: 'wx' });
    const place = { target, mode, rootfs: isBare ? bareRoot : rootfsIn, opensTo: 0o755, ...(isBare ? {} : { fill }) };
    const skipped = await placeTree(store, packed, { ...options, ...place });
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
