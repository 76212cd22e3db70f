/**
 * From the world to the store and back: images of registries and web servers. May import: import, export, resolve,
 * content, session, remote, trust, index, image, disk, workers/tasks, core.
 *
 * Begin with `fetch.ts`; ACIs are fetched in `appc/`. A fetched image is a source of an import; what may come in is
 * decided before that sees it, by `image-policy.ts`. What `push.ts` sends is what an export would write.
 */
export type { DiscoveredName, DiscoverOptions } from './discover.js';
export type { Fetching, ImportSource } from './fetching.js';
export type { Fetched, FetchFailure, FetchOptions, Insecure } from './options.js';
export type { Pushed, PushOptions } from './push.js';
