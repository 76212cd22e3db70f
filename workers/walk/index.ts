/**
 * What is in a directory, and what has changed in it. May import: core, disk, plan, workers/tasks, workers/files.
 *
 * `look.ts` looks at one path, `list.ts` at all of a directory, `compare.ts` at what was there before.
 */
export {};
