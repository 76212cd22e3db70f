/**
 * A plan's shard to directories and files. May import: core, disk, objects, plan, workers/tasks, workers/files.
 *
 * All of it is `render.ts`.
 */
export {};
