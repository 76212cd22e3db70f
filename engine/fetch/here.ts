/** What is told of an image that is in the store already. */
import { noteUse } from '../content/last-used.js';
import { describe } from '../import/result.js';
import type { ImageRecord } from '../index/records.js';
import { signatureOf } from '../index/signature.js';
import type { Fetching } from './fetching.js';
import type { Fetched } from './options.js';

/** @param url of a server that was asked, and said that the image is still the same */
export async function alreadyHere(
  { store }: Pick<Fetching, 'store'>,
  ref: string,
  image: ImageRecord,
  url: string | null = null,
): Promise<Fetched> {
  await noteUse(store, image);
  const objects = { new: 0, newBytes: 0, shared: 0, sharedBytes: 0 };
  const described = describe({ source: ref, begun: performance.now() }, image, { objects, moved: [] }, true);
  return { ...described, ref, url, downloadedBytes: 0, resumedBytes: 0, signature: signatureOf(image) };
}
