/**
 * Pods: prepared, bundled, run, and what holds their images. May import: tree, resolve, content, session, plan, index,
 * image, disk, workers/tasks, core.
 *
 * Begin with `prepared.ts`, which says what a prepared pod is. `bundle/` makes what OCI runtimes take.
 */
export type { Bundle, BundleOptions } from './bundle/index.js';
export type { PreparedApp, PreparedPod } from './prepared.js';
