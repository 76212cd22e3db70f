/**
 * Blobs, layers and documents of an open store. May import: session, core, disk, workers/tasks, layer, index,
 * objects, plan.
 *
 * Blobs are believed only with their hash (`read-blob.ts`); what is deleted goes through `delete.ts`.
 */
export type { GetOptions, PutResult } from './blobs.js';
