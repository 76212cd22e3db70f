/** Makes ready all of a new layer that can be made ready before the transaction. */
import type { IngestResult } from '../../workers/tasks/import.js';
import { keyOfHex } from '../core/key.js';
import type { ArchiveDigest } from '../index/archive-digest.js';
import { makeReady, newObjects } from '../index/objects.js';
import type { Index } from '../index/open.js';
import type { NewLayer } from './prepared-image.js';

/** @param archiveDigests the digests of the archive that the layer came as */
export async function newLayer(
  index: Index,
  ingested: IngestResult,
  staging: string,
  archiveDigests: ArchiveDigest[],
): Promise<NewLayer> {
  const names = ingested.objects === '' ? [] : ingested.objects.split('\n');
  const objects = await makeReady(index, newObjects(names, ingested));
  return { key: keyOfHex(ingested.sha512), staging, ingested, objects, archiveDigests };
}
