/**
 * Finds the image of an archive that was imported before, without unpacking the archive. It is hashed only if one of
 * the same length, head and tail is known.
 */
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import type { ImportOptions } from './options.js';
import type { Located } from './source/locate.js';

export interface KnownArchive {
  image: ImageRecord;
  /** Of the archive. */
  digest: string;
}

export async function findKnownArchive(
  { index, pool }: StoreContext,
  located: Located,
  { signal, layer, keepArchive }: ImportOptions,
): Promise<KnownArchive | undefined> {
  if (located.kind !== 'file' || layer === true) return undefined;
  const candidates = index.fingerprints.get(located.fingerprint);
  if (candidates === undefined) return undefined;
  const { sha256 } = await pool.ask('digest', { source: { path: located.path } }, { signal });
  const digest = `sha256:${sha256}`;
  if (!candidates.includes(digest)) return undefined;
  const key = index.digests.get(digest);
  const image = key === undefined ? undefined : index.image(key);
  if (image === undefined || (keepArchive === true && image.archives === undefined)) return undefined;
  return { image, digest };
}
