/**
 * An open store: its context, format, owner, pool and locks. May import: core, disk, erofs, index, objects,
 * workers/tasks.
 *
 * `open.ts` opens a store, `pool.ts` and `work.ts` hand out tasks, `use-lock.ts` keeps gc from what others rely on.
 */
export type { StoreContext } from './context.js';
export type { OpenOptions } from './open.js';
