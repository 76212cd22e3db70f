/**
 * Whether files are what their names, or plans, say. May import: core, disk, objects, plan, workers/tasks,
 * workers/files.
 *
 * `objects.ts` hashes, `tree.ts` compares, `survey.ts` only looks.
 */
export {};
