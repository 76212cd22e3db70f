/**
 * From a source to an image that is listed. May import: resolve, content, session, core, disk, image, workers/tasks,
 * layer, index, objects, plan.
 *
 * Begin with `import.ts`. What a source can be is decided in `source/`, what becomes visible in `commit.ts`.
 */
export type { Imported, Importer, ImportFailure, ImportOptions, ImportRequest } from './import.js';
export type { Approve } from './options.js';
export type { OpenableSource } from './source/open-source.js';
