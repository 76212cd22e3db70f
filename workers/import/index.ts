/**
 * A layer's source to staging. May import: core, disk, layer, objects, workers/tasks, workers/compression,
 * workers/pack.
 *
 * `ingest.ts` is the whole on one thread. Three threads share a layer through `inflate-ring.ts` (decode),
 * `ingest-ring.ts` (scan) and `object-file.ts` (write).
 */
export {};
