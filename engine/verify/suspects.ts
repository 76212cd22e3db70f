/** What a repair hashes once more: what a check found, what is marked as gone, and what is needed but not listed. */
import type { Key } from '../core/key.js';
import { statOrFault } from '../disk/path-fault.js';
import type { BlobRecord, ObjectRecord } from '../index/records.js';
import { parseFileName } from '../objects/name.js';
import type { StoreContext } from '../session/context.js';
import type { Damage } from './damage.js';
import type { ExpectedCounts } from './recount.js';

export function suspectObjects(
  { index }: StoreContext,
  suspects: readonly Damage[],
  { objects: needed }: ExpectedCounts,
): Map<string, ObjectRecord> {
  const objects = new Map<string, ObjectRecord>();
  for (const { kind, id } of suspects) {
    const { name } = parseFileName(id);
    const record = kind === 'object' ? index.objects.get(name) : undefined;
    if (record !== undefined) objects.set(name, record);
  }
  for (const { key, value } of index.objects.entries()) if (value.gone === true) objects.set(key, value);
  for (const [name, { size, layers }] of needed) {
    if (index.objects.get(name) !== undefined) continue;
    objects.set(name, { size, refs: layers.length, copies: 0 });
  }
  return objects;
}

export function suspectBlobs(
  { index, layout }: StoreContext,
  suspects: readonly Damage[],
  { blobs: needed }: ExpectedCounts,
): Map<Key, BlobRecord> {
  const blobs = new Map<Key, BlobRecord>();
  for (const { key } of suspects) {
    const record = key === undefined ? undefined : index.blobs.get(key);
    if (key !== undefined && record !== undefined) blobs.set(key, record);
  }
  for (const { key, value } of index.blobs.entries()) if (value.gone === true) blobs.set(key, value);
  for (const [key, { refs }] of needed) {
    if (index.blobs.get(key) !== undefined) continue;
    const stat = statOrFault(layout.blob(key));
    blobs.set(key, { size: typeof stat === 'string' ? 0 : Number(stat.size), refs, put: false });
  }
  return blobs;
}
