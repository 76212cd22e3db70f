/**
 * The file system, and where things lie in it. May import: core.
 *
 * Paths are made in `layout.ts`, renames and syncs happen in `durable.ts`, and both nowhere else.
 */
export {};
