/** Tells an image that another process removed since it was looked up from a damaged one. */
import { CairnError, isCairnError } from '../core/errors.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import type { LayerStack } from './layer-stack.js';

/**
 * The parts of a removed image go with it, which is no damage, even if it is back by now: so the index is asked as it
 * was read, then anew.
 *
 * @returns the error to throw in place of the damage
 */
export function removedMeanwhile(
  { index }: StoreContext,
  { nodes }: Pick<LayerStack, 'nodes'>,
  cause: unknown,
): CairnError | undefined {
  if (!isCairnError(cause) || cause.code !== 'ERR_DAMAGED') return undefined;
  // One that is back came at another time.
  const findRemoved = (): ImageRecord | undefined =>
    nodes.find(({ image }) => index.image(image.key)?.importTime !== image.importTime)?.image;
  let removed = findRemoved();
  if (removed === undefined) {
    index.refresh();
    removed = findRemoved();
  }
  if (removed === undefined) return undefined;
  return new CairnError('ERR_NOT_FOUND', `${removed.name || removed.key} was removed meanwhile`, { cause });
}
