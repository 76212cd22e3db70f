/** Makes the image that a tree is mounted from, and looks whether it is what the index says. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Skipped } from '../../workers/tasks/parts.js';
import { addSkipped } from '../../workers/tasks/skipped.js';
import { isCairnError, naming, throwIfAborted } from '../core/errors.js';
import { hexOf, type Key, keyOfHex } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import { syncFile } from '../disk/durable.js';
import { fileBytes } from '../disk/file-bytes.js';
import { erofsImage } from '../erofs/image.js';
import { movesOf } from '../index/extents.js';
import { placesIn } from '../index/places.js';
import type { TreeImage } from '../index/records.js';
import type { Plan, PlanEntry } from '../plan/plan.js';
import type { StoreContext } from '../session/context.js';

const UUID_DIGITS = 32;
/** Pieces of an image between two looks at whether somebody has cancelled. */
const PIECES_AT_ONCE = 64;
/** Bytes of an image that are read at once to be hashed. */
const READ_BYTES = 256 * 1024;

export interface ImageRequest {
  plan: Plan;
  /** Those that the plan was made of, in the same order. */
  layers: readonly Key[];
  /** Of the tree. */
  hash: Key;
  /** A new file. */
  path: string;
}

/**
 * Writes the image of a plan to a new file, durably.
 * @throws CairnError `ERR_UNSUPPORTED` for a tree beyond the limits of the format, `ERR_NO_SPACE`, `ERR_ABORTED`
 */
export async function writeTreeImage(
  store: StoreContext,
  { plan, layers, hash, path }: ImageRequest,
  { signal, onProgress }: OperationOptions,
): Promise<TreeImage> {
  // Asked before the places are: what moves meanwhile makes the image too old.
  const moves = movesOf(store.index);
  const placeOf = placesIn(store.index, layers);
  const image = erofsImage(plan.entries, {
    uuid: Buffer.from(hexOf(hash).slice(0, UUID_DIGITS), 'hex'),
    blockBits: store.objects.blockBits,
    contents: (entry, i) => store.objects.addressOf(entry, placeOf(plan.entries[i] as PlanEntry)),
  });
  const sum = createHash('sha512');
  const fd = fs.openSync(path, 'wx', 0o600);
  try {
    let done = 0;
    let pieces = 0;
    for (const piece of image.metadata()) {
      naming(path, () => fs.writeFileSync(fd, piece));
      sum.update(piece);
      done += piece.length;
      if (++pieces % PIECES_AT_ONCE > 0) continue;
      onProgress?.({ what: 'writing', unit: 'bytes', done, total: image.size });
      await setImmediate();
      throwIfAborted(signal);
    }
  } finally {
    fs.closeSync(fd);
  }
  syncFile(path);
  const skipped: Skipped = {};
  for (const { path: at, kind } of image.skipped) addSkipped(skipped, kind, at);
  const devices = image.devices.map((device) => basename(device));
  return {
    ...{ key: keyOfHex(sum.digest('hex')), size: image.size, skipped },
    ...(devices.length === 0 ? {} : { devices }),
    ...(moves === 0 ? {} : { moves }),
  };
}

/** Whether the file at a path is an image: it is believed only with its hash. */
export function isSound(path: string, { size, key }: TreeImage): boolean {
  try {
    const room = Buffer.allocUnsafeSlow(READ_BYTES);
    for (const _piece of fileBytes(path, { size, sha512: hexOf(key), what: "a tree's image", room }));
    return true;
  } catch (error) {
    if (isCairnError(error, 'ERR_DAMAGED')) return false;
    throw error;
  }
}
