/** The objects of a store in the order in which they lie: each pack is then read once, from beginning to end. */
import { isCairnError } from '../core/errors.js';
import type { ObjectRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';

export type NamedObject = readonly [name: string, record: ObjectRecord];

/** @returns none in a store without packs, where each object is a file; or as many as a damaged index gives */
export function objectsInPlaces({ index, objects }: Pick<StoreContext, 'index' | 'objects'>): NamedObject[] {
  const found: NamedObject[] = [];
  if (objects.at.packs === undefined) return found;
  try {
    for (const { key, value } of index.objects.entries()) found.push([key, value]);
  } catch (error) {
    // The check of the index reports it.
    if (!isCairnError(error, 'ERR_DAMAGED')) throw error;
  }
  return found.sort(([, { at: one }], [, { at: other }]) => {
    return (one?.pack ?? 0) - (other?.pack ?? 0) || (one?.offset ?? 0) - (other?.offset ?? 0);
  });
}
