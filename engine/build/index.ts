/**
 * Images made by hand: a working tree, edits of its manifest, and what both become. May import: pod, import, export,
 * tree, resolve, content, session, core, disk, image, workers/tasks, layer, index, objects, plan.
 *
 * `begin.ts`, `edit.ts`, `copy.ts` and `write.ts` are the life of a build, in the directory that `place.ts` draws.
 * `run.ts` runs commands in the tree. `difference.ts` finds what has changed since it began.
 * `from-directory.ts` makes an image in one go.
 */
export type { Edit } from '../image/edit.js';
export type { BeginOptions, Begun, BuildFormat } from './begin.js';
export type { ConvertOptions } from './convert.js';
export type { Copied, CopyOptions } from './copy.js';
export type { FromDirectoryOptions } from './from-directory.js';
export type { RunInBuildOptions } from './run.js';
export type { WriteOptions, Written } from './writing.js';
