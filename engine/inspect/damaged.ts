/**
 * Images that are known to be damaged, without hashing their files: parts are gone since a repair, or a document cannot
 * be read.
 */
import { setImmediate } from 'node:timers/promises';
import { readBlob } from '../content/read-blob.js';
import { isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { referencesOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { isComplete } from '../resolve/completeness.js';
import { nameText } from '../resolve/name.js';
import type { StoreContext } from '../session/context.js';
import { catalogueOf } from './current-catalogue.js';

export interface DamagedImage {
  key: Key;
  names: string[];
  what: string;
}

/** Images between two pauses, in which other work on this thread has its turn. */
const AT_ONCE = 100;

export async function* damagedImages(store: StoreContext): AsyncGenerator<DamagedImage> {
  let looked = 0;
  for (const image of catalogueOf(store.index).images.values()) {
    const what = faultOf(store, image);
    if (what !== undefined) {
      const names = referencesOf(image).map((name) => nameText(image.format, name));
      yield { key: image.key, names, what };
    }
    if (++looked % AT_ONCE === 0) await setImmediate();
  }
}

function faultOf(store: StoreContext, image: ImageRecord): string | undefined {
  if (store.index.image(image.key) === undefined) return undefined;
  if (!isComplete(store.index, image)) return 'parts of it are gone since a repair; import it again';
  try {
    readBlob(store, image.manifest);
    if (image.config !== undefined) readBlob(store, image.config);
    return undefined;
  } catch (error) {
    if (isCairnError(error, 'ERR_DAMAGED')) return error.message;
    throw error;
  }
}
