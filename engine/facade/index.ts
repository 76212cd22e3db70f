/**
 * The façade in parts, each on top of the one before: an open store, its images, its trees, its contents, its builds.
 * May import: build, fetch, offer, pod, verify, collect, export, inspect, tree, import, resolve, content, session,
 * plan, index, disk, core.
 *
 * `engine/store.ts` adds the upkeep and opens it. Modules of operations are loaded on first use.
 */
export { StoreOfBuilds } from './builds.js';
