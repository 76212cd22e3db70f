/**
 * Pods in the index. An index with pods is of a schema of its own: a version that knows nothing of pods would collect
 * what they need. All functions that change something run inside a transaction.
 */
import type { Index } from './open.js';
import { BASE_SCHEMA, type PodRecord, SCHEMA_VERSION } from './records.js';

export function putPod(index: Index, pod: PodRecord): void {
  index.pods.put(pod.id, pod);
  noteSchema(index);
}

export function removePod(index: Index, id: string): void {
  index.pods.remove(id);
  noteSchema(index);
}

/** Says which versions may use the index. One that is yet to be migrated stays of its schema. */
function noteSchema(index: Index): void {
  const wanted = schemaOf(index);
  if (index.schema >= BASE_SCHEMA && index.schema !== wanted) index.meta.put('schema', wanted);
}

/** The schema that an index of the present format is of. */
export function schemaOf(index: Index): number {
  for (const _any of index.pods.keys({ limit: 1 })) return SCHEMA_VERSION;
  for (const { image } of index.trees.values()) if (image !== undefined) return SCHEMA_VERSION;
  return BASE_SCHEMA;
}
