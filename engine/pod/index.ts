/**
 * Pods: prepared, bundled, run, and what holds their images. May import: tree, resolve, content, session, plan, index,
 * image, disk, workers/tasks, core.
 *
 * Begin with `prepared.ts`, which says what a prepared pod is. `prepare.ts` makes one, `states.ts` lists them,
 * `remove.ts` takes them away, and `run/` runs them.
 */
export type { FindImage } from './app-images.js';
export type { PrepareOptions } from './prepare.js';
export type { PreparedApp, PreparedPod } from './prepared.js';
export type { PodState, PodSummary } from './states.js';
