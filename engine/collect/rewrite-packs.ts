/**
 * Writes packs anew that have little left alive:
 *
 * some living objects copied to another pack, hashed on the way → sync → one transaction that lists them there →
 * what they left is punched → … → the pack goes
 *
 * So at any moment each object lies where the index says, and a kill leaves at most some bytes behind the end of a
 * pack, which the next import or gc cuts off. It never takes more room than one such step does, and gives more back
 * with each: a disk that is nearly full can be collected.
 */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectsInRows } from '../content/packed-objects.js';
import { punchDead } from '../content/punch-dead.js';
import { CairnError, isCairnError, throwIfAborted, toCairnError } from '../core/errors.js';
import { extentOf } from '../core/extent.js';
import type { OperationOptions } from '../core/operation.js';
import { type Lock, tryLock } from '../disk/lock.js';
import { dropExtents, type Extent } from '../index/extents.js';
import { extendPack } from '../index/packs.js';
import { forgetPlacesIn } from '../index/places.js';
import { packFileName } from '../objects/pack/format.js';
import type { StoreContext } from '../session/context.js';
import { deleteLocked } from './packs.js';
import { isFree, type LivingObject, mayBeOpen, type PackToRewrite, packsToRewrite } from './packs-to-rewrite.js';

/**
 * What one step copies at most, unless one object is larger. Waiting for the disk is a small part of that time, and
 * nobody who needs the store waits longer than a step takes.
 */
const STEP_BYTES = 64 * 2 ** 20;
const STEP_OBJECTS = 4000;
/** Below so much of free space no step is tried: half of it is what every commit asks for. */
const LEAST_ROOM = 2 * 2 ** 20;
/** What a commit asks for each row that it puts: another page of the index, and the row. */
const ROW_ROOM = 5000;
/** Who waits for a lock looks again after 50 ms at most. */
const LET_OTHERS_MS = 60;

export interface Rewritten {
  /** Packs that are gone, and whose living objects lie in others now. */
  rewritten: number;
  /** Bytes that were copied. */
  copiedBytes: number;
  /** Bytes of the disk that came back beyond those. */
  freedBytes: number;
}

/** What rewriting these packs comes to. */
export function sumOfRewriting(packs: readonly PackToRewrite[]): Rewritten {
  return {
    rewritten: packs.length,
    copiedBytes: packs.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0),
    freedBytes: packs.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
  };
}

/** Runs after a sweep, which punches. What others need meanwhile is left to the next gc. */
export async function rewritePacks(store: StoreContext, options: OperationOptions = {}): Promise<Rewritten> {
  if (store.lanes === undefined) return sumOfRewriting([]);
  store.index.refresh();
  const locks = new Map<number, Lock>();
  const done: PackToRewrite[] = [];
  try {
    // All are taken first: what one leaves must not go to another of them.
    const packs = packsToRewrite(store).filter(({ pack }) => takeLock(store, pack, locks));
    const progress = new CopyProgress(packs, options);
    for (const each of packs) {
      const end = await rewritePack(store, each, progress);
      if (end === 'gone') done.push(each);
      if (end === 'no more') break;
    }
  } finally {
    for (const lock of locks.values()) lock.release();
    store.lanes.letGo();
  }
  return sumOfRewriting(done);
}

/** @returns false for a pack that another session appends to */
function takeLock({ layout }: StoreContext, pack: number, locks: Map<number, Lock>): boolean {
  const lock = tryLock(layout.packLock(pack), true);
  if (lock !== undefined) locks.set(pack, lock);
  return lock !== undefined;
}

/** `kept`: it stays, and others may go. `no more`: others would fail alike. */
type End = 'gone' | 'kept' | 'no more';

/** The caller holds the pack's lock. */
async function rewritePack(
  store: StoreContext,
  { pack, objects }: PackToRewrite,
  progress: CopyProgress,
): Promise<End> {
  const { index, uses, notice } = store;
  try {
    for (let left = objects; ; await sleep(LET_OTHERS_MS)) {
      throwIfAborted(progress.options.signal);
      const alone = await uses.soonAlone(progress.options.signal);
      if (alone === undefined) {
        notice('another process relies on objects right now; packs are written anew by the next gc');
        return 'no more';
      }
      try {
        index.refresh();
        if (!isFree(store, pack)) return 'kept';
        const step: Step = { pack, left, progress };
        left = left.slice(await index.makingRoom(() => moveSome(store, step)));
        if (left.length === 0 && (await deleteLocked(store, pack))) return 'gone';
        // Who reads without the use lock may have found an old place before the commit, and has the pack open then.
        if (mayBeOpen(store, pack)) return 'kept';
        await punchDead(store, { pack });
        if (left.length === 0) return 'kept';
      } finally {
        alone.release();
      }
    }
  } catch (thrown) {
    if (thrown instanceof CannotCopy) {
      notice(`pack ${packFileName(pack)} is left as it is: ${thrown.message}`);
      return 'kept';
    }
    const error = toCairnError(thrown);
    if (!isCairnError(error, 'ERR_NO_SPACE')) throw error;
    notice(`pack ${packFileName(pack)} is left to the next gc: there is no room to copy what lives in it`);
    return 'no more';
  }
}

/** An object that could not be read, or is not what its name says: a check tells, and a repair helps. */
class CannotCopy extends Error {}

interface Step {
  pack: number;
  left: readonly LivingObject[];
  progress: CopyProgress;
}

/** Moves the first of the objects that are left. @returns how many of them */
async function moveSome(store: StoreContext, { pack, left, progress }: Step): Promise<number> {
  const { index } = store;
  const count = countOfStep(store, left);
  // Others may have removed some since they were listed.
  const objects = left.slice(0, count).filter(({ name, offset }) => isStillAt(store, name, { pack, offset }));
  if (objects.length === 0) return count;
  const packed = await copy(store, objects, progress);
  await store.disk.sync();
  const copies = objectsInRows(packed);
  await index.commit(() => {
    extendPack(index, packed, copies);
    const dead: Extent[] = [];
    for (const [i, { name, size, offset }] of objects.entries()) {
      const known = index.objects.get(name);
      const { at } = (copies[i] as (typeof copies)[number]).record;
      const isMoved = known !== undefined && at !== undefined && isStillAt(store, name, { pack, offset });
      if (isMoved) index.objects.put(name, { ...known, at });
      const needless = isMoved ? { pack, offset } : at;
      if (needless !== undefined) dead.push({ at: needless, size });
    }
    dropExtents(index, dead);
    forgetPlacesIn(index, pack);
  }, objects.length);
  return count;
}

function isStillAt({ index }: StoreContext, name: string, { pack, offset }: Extent['at']): boolean {
  const known = index.objects.get(name);
  return known?.gone !== true && known?.at?.pack === pack && known.at.offset === offset;
}

/** @throws CairnError `ERR_NO_SPACE` when there is not even room for the first object */
function countOfStep({ layout }: StoreContext, left: readonly LivingObject[]): number {
  const { bavail, bsize } = fs.statfsSync(layout.dir);
  const free = bavail * bsize;
  if (free < LEAST_ROOM + extentOf(left[0]?.size ?? 0))
    throw new CairnError('ERR_NO_SPACE', 'no room to copy objects to another pack', { path: layout.packs });
  let bytes = 0;
  let count = 0;
  for (const { size } of left) {
    bytes += extentOf(size);
    const isFull = bytes > STEP_BYTES || count >= STEP_OBJECTS || bytes + count * ROW_ROOM > free / 2;
    if (isFull && count > 0) break;
    count++;
  }
  return count;
}

/** Appends objects to a pack of this session. Nothing of it stays when one is not what it should be. */
async function copy(store: StoreContext, objects: readonly LivingObject[], progress: CopyProgress) {
  const lanes = store.lanes as NonNullable<StoreContext['lanes']>;
  const scratch = store.staging.make();
  const lane = lanes.take();
  let end: number | undefined;
  try {
    const packed = await store.pool.ask(
      'append-objects',
      {
        from: store.objects.at,
        names: objects.map(({ name }) => name),
        sizes: Float64Array.from(objects, ({ size }) => size),
        ...{ lane, scratch },
      },
      progress.ofStep(),
    );
    end = packed.end;
    return packed;
  } catch (error) {
    if (isCairnError(error, 'ERR_DAMAGED') || isCairnError(error, 'ERR_IO')) throw new CannotCopy(error.message);
    throw error;
  } finally {
    lanes.release(lane, end);
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** One progress for the copies of all steps. */
class CopyProgress {
  readonly options: OperationOptions;
  readonly #total: number;
  #before = 0;
  #now = 0;

  constructor(packs: readonly PackToRewrite[], options: OperationOptions) {
    this.options = options;
    this.#total = packs.flatMap(({ objects }) => objects).reduce((sum, { size }) => sum + size, 0);
  }

  ofStep(): { signal: AbortSignal | undefined; onProgress: (counts: { bytes: number }) => void } {
    this.#before = this.#now;
    return { signal: this.options.signal, onProgress: ({ bytes }) => this.#tell(bytes) };
  }

  #tell(bytes: number): void {
    this.#now = this.#before + bytes;
    const done = Math.min(this.#now, this.#total);
    this.options.onProgress?.({ what: 'rewriting packs', unit: 'bytes', done, total: this.#total });
  }
}
