/**
 * fetch: from the world to the store, and back.
 *
 * May import import, export, resolve, content, session, remote, trust, index, image, disk, core, workers/tasks. Begin
 * with `fetch.ts`. A fetched image is a source of an import; what may come in is decided before that sees it.
 */

export type { DiscoveredName, DiscoverOptions } from './discover.js';
export type { Fetching, ImportSource } from './fetching.js';
export type { Fetched, FetchFailure, FetchOptions, Insecure } from './options.js';
export type { Pushed, PushOptions } from './push.js';
