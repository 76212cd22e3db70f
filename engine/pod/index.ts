/**
 * Pods: prepared, bundled, run, and what holds their images. May import: tree, resolve, content, session, plan, index,
 * image, disk, workers/tasks, core.
 *
 * Begin with `request.ts`, which says what somebody may want of a pod, and `prepared.ts`, which says what a prepared
 * pod is. `make-manifest.ts` and `prepare.ts` make them, `states.ts` lists them, `remove.ts` takes them away, `bundle/`
 * makes what OCI runtimes take, and `run/` runs them.
 */
export type { PodManifest } from '../image/aci/pod.js';
export type { FindImage } from './app-images.js';
export type { Bundle, BundleImageOptions, BundleOptions, HeldBundle } from './bundle/index.js';
export type { PodGcOptions } from './collect-pods.js';
export type { PodFilter, PodSelection } from './filter-pods.js';
export type { PrepareOptions } from './prepare.js';
export type { PreparedApp, PreparedPod } from './prepared.js';
export type { RemovePodOptions } from './remove.js';
export type { AppRequest, PodRequest } from './request.js';
export type { PodEnd, RunOptions } from './run/options.js';
export type { PodDetails } from './show.js';
export type { PodState, PodSummary } from './states.js';
