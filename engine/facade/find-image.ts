/** Finds the image that an argument means: in the store, at a path, or in the world, as far as that may be asked. */
import type { ReadDocument } from '../content/read-blob.js';
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import type { PullPolicy, ResolveOptions } from '../core/finding.js';
import type { Fetched } from '../fetch/index.js';
import type { Imported, ImportRequest } from '../import/index.js';
import type { ImageRecord } from '../index/records.js';
import { notFetched, type Resolved, resolveArgument } from '../resolve/argument.js';
import { forPlatform } from '../resolve/for-platform.js';
import { tellForeign } from '../resolve/foreign-platform.js';
import { hasScheme } from '../resolve/guess-argument.js';
import { isDiscoverable } from '../resolve/name.js';
import { readableImages } from '../resolve/readable-images.js';
import { duringFetch } from './during-fetch.js';
import { contextOf, importFor, type OpenedStore } from './opened.js';

export interface FindRequest extends ImportRequest, ResolveOptions {
  /** A reader that holds manifests which this operation has already read. */
  documents?: ReadDocument | undefined;
}

/** @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, …, and as imports and fetches do */
export async function findImage(store: OpenedStore, argument: string, request: FindRequest): Promise<ImageRecord> {
  const found = await lookFor(store, argument, request);
  if ('image' in found) return found.image;
  if ('path' in found) return importPath(store, argument, found.path, request);
  return fetchImage(store, found.remote, request);
}

/** What is here, or at the store's remote; else what is yet to be imported or fetched, if that may be. */
async function lookFor(store: OpenedStore, argument: string, request: FindRequest): Promise<Resolved> {
  const { pull, documents, platform } = request;
  const context = contextOf(store);
  const resolve = (): Resolved => {
    const images = forPlatform(readableImages(context, defined({ documents })), platform);
    return resolveArgument(context.index, argument, { images, type: context.argumentType });
  };
  const isAsked = context.remote !== undefined && pull !== 'never';
  let found: Resolved;
  try {
    found = resolve();
    if ('remote' in found && isAsked && (await bringMissing(store, argument, request))) found = resolve();
  } catch (error) {
    if (!isCairnError(error, 'ERR_NOT_FOUND')) throw error;
    if (isAsked && (await bringMissing(store, argument, request))) return resolve();
    if (!isPulled(pull) || !isDiscoverable(argument)) throw error;
    return { image: await fetchMissing(store, argument, request, error) };
  }
  if ('path' in found) return found;
  if ('remote' in found) {
    if (isPulled(pull)) return found;
    throw notFetched(argument);
  }
  const again = pull === 'always' ? sourceOf(argument, found.image) : undefined;
  if (again !== undefined) return { remote: again };
  if (platform === undefined) tellForeign(context, argument, found.image);
  if (isAsked) await bringParts(store, found.image, request);
  return found;
}

function isPulled(pull: PullPolicy | undefined): boolean {
  return pull === 'missing' || pull === 'always';
}

/** @returns whether the remote had something; a remote that cannot be asked has nothing, and that is told */
async function bringMissing(store: OpenedStore, argument: string, request: FindRequest): Promise<boolean> {
  const { remote = '', notice } = contextOf(store);
  const { bringMeant } = await import('../fetch/read-through.js');
  const options = operationOf(request);
  try {
    return await duringFetch(store, options, (fetching) => bringMeant(fetching, remote, argument, options));
  } catch (error) {
    if (!isCairnError(error, ...UNREACHED)) throw error;
    notice(`${remote}: ${error.message}`);
    return false;
  }
}

/** Brings back what an image that is listed here lacks. What the remote does not have shows when it is needed. */
async function bringParts(store: OpenedStore, image: ImageRecord, request: FindRequest): Promise<void> {
  const context = contextOf(store);
  const { remote = '', notice } = context;
  const { bringKey, isWholeHere } = await import('../fetch/read-through.js');
  if (isWholeHere(context, image)) return;
  const options = operationOf(request);
  try {
    await duringFetch(store, options, (fetching) => bringKey(fetching, remote, image.key, options));
  } catch (error) {
    if (!isCairnError(error, ...UNREACHED)) throw error;
    notice(`${remote}: ${error.message}`);
  }
}

/** Errors of the way to a server. */
const UNREACHED = ['ERR_NETWORK', 'ERR_TLS', 'ERR_HTTP', 'ERR_UNAUTHORIZED'] as const;

function operationOf({ signal, onProgress, platform, insecure, authfile }: FindRequest) {
  return defined({ signal, onProgress, platform, insecure, authfile });
}

async function importPath(store: OpenedStore, argument: string, path: string, given: FindRequest) {
  const { pull: _pull, documents: _documents, insecure: _insecure, authfile: _authfile, ...request } = given;
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

async function fetchImage(store: OpenedStore, ref: string, request: FindRequest) {
  const options = { pull: 'always', ...operationOf(request) } as const;
  const { fetchAll } = await import('../fetch/fetch.js');
  const [fetched] = (await duringFetch(store, options, (fetching) => fetchAll(fetching, [ref], options))) as [Fetched];
  const { index, notice } = contextOf(store);
  if (!fetched.existed) notice(`${ref} was fetched: ${fetched.key.slice(0, 19)}`);
  return index.image(fetched.key) as ImageRecord;
}

/** A name may be mistyped as well as missing. If nobody has it, the error says what is near, too. */
async function fetchMissing(store: OpenedStore, argument: string, request: FindRequest, missing: Error) {
  try {
    return await fetchImage(store, argument, request);
  } catch (error) {
    if (!isCairnError(error, 'ERR_NOT_FOUND', ...UNREACHED)) throw error;
    contextOf(store).notice(`fetching ${argument}: ${error.message}`);
    throw missing;
  }
}
