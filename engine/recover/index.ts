/**
 * Backup, a lost index made anew, older formats brought up to date. May import: content, session, index, objects,
 * layer, disk, workers/tasks, core.
 *
 * `backup.ts` copies a store in use, `rebuild-index.ts` makes a lost index anew, `migrate.ts` brings an older store
 * up to date.
 */
export type { BackedUp } from './backup.js';
export type { Lost, Rebuilt } from './rebuild-index.js';
