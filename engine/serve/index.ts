/**
 * A store on HTTP: the API, the registry, the status page. May import: engine/store.ts, core.
 *
 * `server.ts` starts and ends it. `http/` lets requests in and bytes out, `routes/` is the API, `registry/` what
 * clients of registries ask, `page/` the page at `/`.
 */
import type { Store } from '../store.js';
import type { ServeOptions, Server } from './server.js';

export type { ServeOptions, Server } from './server.js';

/**
 * Serves an open store until it is closed or the signal fires. Close the server before the store.
 * @throws CairnError `ERR_USAGE` for an address that needs a token, `ERR_EXISTS` for one that is taken, `ERR_IO`
 */
export async function serve(store: Store, options: ServeOptions = {}): Promise<Server> {
  // Few users need the packages that this loads.
  const { startServer } = await import('./server.js');
  return startServer(store, options);
}
