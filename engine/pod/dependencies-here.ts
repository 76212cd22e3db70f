/** Makes sure that all dependencies of an image are in the store. */
import type { ReadDocument } from '../content/read-blob.js';
import { isCairnError } from '../core/errors.js';
import type { ImageRecord } from '../index/records.js';
import { type LayerStack, layerStackOf } from '../resolve/layer-stack.js';
import type { StoreContext } from '../session/context.js';
import type { FindImage, FindRequest } from './app-images.js';

/**
 * Brings the dependencies of an image that are missing, one after the other: what one needs shows when it is here.
 * @throws CairnError `ERR_NOT_FOUND` for one that is not to be had, and as `find` and planning an image's stack do
 */
export async function stackWithDependencies(
  store: StoreContext,
  image: ImageRecord,
  documents: ReadDocument,
  { find, ...request }: FindRequest & { find: FindImage },
): Promise<LayerStack> {
  const asked = new Set<string>();
  for (;;) {
    try {
      return layerStackOf(store, image, documents);
    } catch (error) {
      const wanted = isCairnError(error, 'ERR_NOT_FOUND') ? error.entry : undefined;
      if (wanted === undefined || request.pull === 'never' || asked.has(wanted)) throw error;
      asked.add(wanted);
      try {
        await find(wanted, request);
      } catch (cause) {
        // That it is nowhere to be found is told by whom it is needed.
        throw isCairnError(cause, 'ERR_NOT_FOUND') ? error : cause;
      }
    }
  }
}
