/** Finds the image that an argument means: in the store, at a path, or in the world, as far as that may be asked. */
import type { ReadDocument } from '../content/read-blob.js';
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import type { PullPolicy } from '../core/finding.js';
import type { Fetched } from '../fetch/index.js';
import type { Imported, ImportRequest } from '../import/index.js';
import type { ImageRecord } from '../index/records.js';
import { notFetched, type Resolved, resolveArgument } from '../resolve/argument.js';
import { tellForeign } from '../resolve/foreign-platform.js';
import { hasScheme } from '../resolve/guess-argument.js';
import { isDiscoverable } from '../resolve/name.js';
import { readableImages } from '../resolve/readable-images.js';
import { duringFetch } from './during-fetch.js';
import { contextOf, importFor, type OpenedStore } from './opened.js';

export interface FindRequest extends ImportRequest {
  /** When the world is asked: `never` by default. */
  pull?: PullPolicy | undefined;
  /** A reader that holds manifests which this operation has already read. */
  documents?: ReadDocument | undefined;
}

/** @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, …, and as imports and fetches do */
export async function findImage(
  store: OpenedStore,
  argument: string,
  { pull = 'never', documents, ...request }: FindRequest,
): Promise<ImageRecord> {
  const context = contextOf(store);
  const resolve = (): Resolved => {
    const images = readableImages(context, defined({ documents }));
    return resolveArgument(context.index, argument, { images, type: context.argumentType });
  };
  let found: Resolved;
  try {
    found = resolve();
  } catch (error) {
    if (pull === 'never' || !isCairnError(error, 'ERR_NOT_FOUND') || !isDiscoverable(argument)) throw error;
    return fetchMissing(store, argument, request, error);
  }
  if ('path' in found) return importPath(store, argument, found.path, request);
  if ('remote' in found) {
    if (pull === 'never') throw notFetched(argument);
    return fetchImage(store, found.remote, request);
  }
  const again = pull === 'always' ? sourceOf(argument, found.image) : undefined;
  if (again !== undefined) return fetchImage(store, again, request);
  tellForeign(context, argument, found.image);
  return found.image;
}

async function importPath(store: OpenedStore, argument: string, path: string, request: ImportRequest) {
  const context = contextOf(store);
  const [imported] = (await importFor(store, [path], { ...request, leaveNames: true })) as [Imported];
  if (!imported.existed) context.notice(`${argument} was imported: ${imported.key.slice(0, 19)}`);
  return context.index.image(imported.key) as ImageRecord;
}

/** What an image that is here can be fetched by again; nothing for a key. */
function sourceOf(argument: string, image: ImageRecord): string | undefined {
  if (hasScheme(argument)) return argument;
  if (!isDiscoverable(argument)) return undefined;
  return image.format === 'oci' ? `docker://${argument}` : argument;
}

async function fetchImage(store: OpenedStore, ref: string, { signal, onProgress }: ImportRequest) {
  const options = { pull: 'always', ...defined({ signal, onProgress }) } as const;
  const { fetchAll } = await import('../fetch/fetch.js');
  const [fetched] = (await duringFetch(store, options, (fetching) => fetchAll(fetching, [ref], options))) as [Fetched];
  const { index, notice } = contextOf(store);
  if (!fetched.existed) notice(`${ref} was fetched: ${fetched.key.slice(0, 19)}`);
  return index.image(fetched.key) as ImageRecord;
}

/** A name may be mistyped as well as missing. If nobody has it, the error says what is near, too. */
async function fetchMissing(store: OpenedStore, argument: string, request: ImportRequest, missing: Error) {
  try {
    return await fetchImage(store, argument, request);
  } catch (error) {
    if (!isCairnError(error) || !['ERR_NOT_FOUND', 'ERR_NETWORK', 'ERR_TLS'].includes(error.code)) throw error;
    contextOf(store).notice(`fetching ${argument}: ${error.message}`);
    throw missing;
  }
}
