/**
 * Whether the store is what its index says: check, fsck, repair. May import: collect, resolve, content, session,
 * plan, index, objects, disk, workers/tasks, core.
 *
 * `check.ts` compares content with the index, `fsck.ts` the index with the disk, `repair.ts` mends what both find.
 */
export type { CheckResult } from './check.js';
export type { CheckOptions } from './check-scope.js';
export type { Damage } from './damage.js';
export type { FsckResult } from './fsck.js';
