/** A layer that was read, with all that can be made ready before the transaction that records it. */
import type { AbsorbResult } from '../../workers/tasks/import.js';
import { makeReady, newObjects } from '../index/objects.js';
import type { Index } from '../index/open.js';
import type { NewLayer } from './prepared-image.js';

/** @param transports digests of the bytes that it came as, see {@link NewLayer} */
export async function newLayer(
  index: Index,
  absorbed: AbsorbResult,
  staging: string,
  transports: string[],
): Promise<NewLayer> {
  const names = absorbed.objects === '' ? [] : absorbed.objects.split('\n');
  const objects = await makeReady(index, newObjects(names, absorbed.sizes, absorbed.skipped));
  return { key: `sha512-${absorbed.sha512}`, staging, absorbed, objects, transports };
}
