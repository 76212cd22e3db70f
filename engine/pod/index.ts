/**
 * Pods: prepared, bundled, run, and what holds their images. May import: tree, resolve, content, session, plan, index,
 * image, disk, workers/tasks, core.
 *
 * Begin with `prepared.ts`, which says what a prepared pod is.
 */
export type { PreparedApp, PreparedPod } from './prepared.js';
