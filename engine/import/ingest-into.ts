/** What tasks that ingest layers have to know of the store. */
import type { IngestInto, Lane } from '../../workers/tasks/import.js';
import type { StoreContext } from '../session/context.js';
import { tocVersionIn } from '../session/format.js';

/** @param lane that new objects go to, in a store that has packs */
export function ingestInto(store: StoreContext, lane: Lane | undefined): IngestInto {
  const { objects, limits, staging, index, format } = store;
  return {
    objects: objects.at,
    limits,
    identity: staging.identity,
    storeIsEmpty: index.totals.objects === 0,
    tocVersion: tocVersionIn(format),
    lane,
  };
}
