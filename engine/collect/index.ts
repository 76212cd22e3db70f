/**
 * What may go and what must stay: roots, remove, gc, sweep. May import: resolve, content, session, index, objects,
 * disk, core.
 *
 * `roots.ts` says what stays, `gc.ts` what goes, `sweep.ts` takes it off the disk.
 */
export type { Collected, GcOptions } from './gc.js';
export type { Removed, RemoveOptions } from './remove.js';
export type { RemovedBlob } from './remove-blobs.js';
