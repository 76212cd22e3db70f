/** A layer that was read, with all that can be made ready before the transaction that records it. */
import type { AbsorbResult } from '../../workers/tasks/import.js';
import { keyOfHex } from '../core/key.js';
import type { ArchiveDigest } from '../index/archive-digest.js';
import { makeReady, newObjects } from '../index/objects.js';
import type { Index } from '../index/open.js';
import type { NewLayer } from './prepared-image.js';

/** @param archiveDigests of the bytes that it came as */
export async function newLayer(
  index: Index,
  absorbed: AbsorbResult,
  staging: string,
  archiveDigests: ArchiveDigest[],
): Promise<NewLayer> {
  const names = absorbed.objects === '' ? [] : absorbed.objects.split('\n');
  const objects = await makeReady(index, newObjects(names, absorbed.sizes, absorbed.skipped));
  return { key: keyOfHex(absorbed.sha512), staging, absorbed, objects, archiveDigests };
}
