/**
 * What may go and what must stay: roots, remove, gc, sweep. May import: resolve, content, session, index, objects,
 * disk, core.
 *
 * `roots.ts` says what stays, `decide.ts` what goes; `gc.ts` has it done, and `sweep.ts` takes it off the disk.
 */
export type { GcOptions } from './decide.js';
export type { Collected } from './gc.js';
export type { Removed, RemoveOptions } from './remove.js';
export type { RemovedBlob } from './remove-blobs.js';
