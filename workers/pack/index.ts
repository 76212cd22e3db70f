/**
 * Trees as tars, of a store's objects or of files in a directory. May import: core, disk, layer, objects, plan,
 * workers/tasks.
 *
 * Begin with `tree-bytes.ts`.
 */
export {};
