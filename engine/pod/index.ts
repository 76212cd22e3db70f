/**
 * Pods: prepared, bundled, run, and what holds their images. May import: tree, resolve, content, session, plan, index,
 * image, disk, workers/tasks, core.
 *
 * Begin with `request.ts`, which says what somebody may want of a pod, and `prepared.ts`, which says what a prepared
 * pod is.
 */
export type { PodManifest } from '../image/aci/pod.js';
export type { PreparedApp, PreparedPod } from './prepared.js';
export type { AppRequest, PodRequest } from './request.js';
