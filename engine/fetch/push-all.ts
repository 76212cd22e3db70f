/** Seeds a remote: pushes all images of a store to where other stores look for what they lack. */
import { isCairnError } from '../core/errors.js';
import { formatRegistryReference, type TaggedReference } from '../image/oci/registry-reference.js';
import { parseRemote, placeOfDigest, placeOfKey, placeOfName } from '../image/oci/remote-places.js';
import { allImages, titleOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { askedNamesOf } from '../resolve/asked-names.js';
import { isComplete } from '../resolve/completeness.js';
import type { Fetching } from './fetching.js';
import { outgoingAci, outgoingImage } from './outgoing-image.js';
import { type Pushed, type PushOptions, pushTo } from './push.js';

/**
 * Pushes the images one after another. One that lacks parts is left out, and that is said.
 * @returns a result for each place of each image
 * @throws CairnError as a push does, `ERR_USAGE` for what is no `docker://HOST/PREFIX`
 */
export async function pushAll(fetching: Fetching, target: string, options: PushOptions): Promise<Pushed[]> {
  const remote = parseRemote(target);
  const { index, notice } = fetching.store;
  const pushed: Pushed[] = [];
  for (const image of [...allImages(index)]) {
    if (!isComplete(index, image)) {
      notice(`${titleOf(image)} lacks parts, and is left out`);
      continue;
    }
    const placesFor = (original: boolean): TaggedReference[] => {
      const places = [
        placeOfKey(remote, image.key),
        ...digestsOf(image, original).map((digest) => placeOfDigest(remote, digest)),
        ...askedNamesOf(index, image).map((name) => placeOfName(remote, name)),
      ];
      return [...new Map(places.map((place) => [formatRegistryReference(place), place])).values()];
    };
    const make = image.format === 'aci' ? outgoingAci : outgoingImage;
    try {
      pushed.push(...(await pushTo(fetching, image, placesFor, options, make)));
    } catch (error) {
      // A dependency that is not here.
      if (!isCairnError(error, 'ERR_NOT_FOUND') || image.format !== 'aci') throw error;
      notice(`${titleOf(image)} is left out: ${error.message}`);
    }
  }
  return pushed;
}

/** Digests by which the image can be asked for and checked: its configuration's, and its manifest's if that is sent. */
function digestsOf({ format, digest, digests = [] }: ImageRecord, original: boolean): string[] {
  return format === 'aci' ? [] : digests.filter((each) => original || each !== digest);
}
