/**
 * What exists: LMDB, its tables, records and references. May import: core, disk, image, workers/tasks.
 *
 * `records.ts` is what is kept, `tables.ts` under which keys, `open.ts` how the database is opened, grown and
 * written.
 */
export {};
