/** Runs what needs the network, with connections of its own. Code for the network is loaded for that only. */
import type { Fetching, FetchOptions, ImportSource } from '../fetch/index.js';
import type { Imported } from '../import/index.js';
import { contextOf, importFor, type OpenedStore } from './opened.js';

export async function duringFetch<T>(
  store: OpenedStore,
  options: Pick<FetchOptions, 'signal' | 'insecure' | 'authfile' | 'onProgress'>,
  work: (fetching: Fetching) => Promise<T>,
): Promise<T> {
  const context = contextOf(store);
  const { duringFetch } = await import('../fetch/fetching.js');
  const importSource: ImportSource = async (source, request) =>
    (await importFor(store, [source], request))[0] as Imported;
  return context.uses.during(options.signal, async () => {
    await context.pool.warm();
    return duringFetch(context, importSource, options, work);
  });
}
