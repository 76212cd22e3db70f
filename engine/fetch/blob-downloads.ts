/**
 * The blobs of one image on their way here. Each goes to a file that workers read while it grows, so that a layer is
 * hashed and unpacked as it comes.
 */

import * as fs from 'node:fs';
import { breakGrowth, endGrowth, type Growth, grow, makeGrowth } from '../../workers/tasks/growing.js';
import type { Source } from '../../workers/tasks/parts.js';
import { Semaphore } from '../core/concurrency.js';
import { isCairnError } from '../core/errors.js';
import { download } from '../remote/download.js';
import type { HttpClient } from '../remote/http.js';
import type { Repository } from '../remote/registry.js';
import type { StoreContext } from '../session/context.js';
import type { FetchMeter } from './fetch-meter.js';
import type { Fetching } from './fetching.js';
import { partialFile, removePartial } from './partial-files.js';

/** Blobs of one image that come at a time. */
export const BLOBS_AT_A_TIME = 4;

/** Bytes that came may be wrong, rather than incomplete: the next attempt must not build on them. */
const CORRUPT: ReadonlySet<string> = new Set([
  ...['ERR_DIGEST_MISMATCH', 'ERR_BAD_COMPRESSION', 'ERR_BAD_ARCHIVE', 'ERR_NOT_AN_IMAGE', 'ERR_BAD_LINK', 'ERR_LIMIT'],
]);

interface Coming {
  source: Source;
  growth: Growth;
  size: number;
  done: Promise<void>;
}

export class BlobDownloads {
  readonly #store: StoreContext;
  readonly #http: HttpClient;
  readonly #repository: Repository;
  readonly #meter: FetchMeter;
  readonly #stop = new AbortController();
  readonly #slots = new Semaphore();
  readonly #coming = new Map<string, Coming>();
  #failure: unknown;
  #hasBuiltOn = false;
  downloadedBytes = 0;
  resumedBytes = 0;

  constructor({ store, http, meter }: Pick<Fetching, 'store' | 'http' | 'meter'>, repository: Repository) {
    this.#store = store;
    this.#http = http;
    this.#repository = repository;
    this.#meter = meter;
  }

  /** Begins to fetch a blob, once. @returns where its bytes can be read while they come */
  open(digest: string, size: number): { source: Source; size: number } {
    const known = this.#coming.get(digest);
    if (known !== undefined) return known;
    const path = partialFile(this.#store, digest);
    this.#hasBuiltOn ||= beginFile(path);
    const growth = makeGrowth();
    const done = this.#fetch({ digest, size, path, growth });
    const coming = { source: { path, growth }, growth, size, done };
    this.#coming.set(digest, coming);
    return coming;
  }

  async #fetch({ digest, size, path, growth }: { digest: string; size: number; path: string; growth: Growth }) {
    const told = this.#meter.blob(`${this.#repository.shown} ${digest.slice(7, 19)}`, size);
    const leave = await this.#slots.acquire(BLOBS_AT_A_TIME);
    try {
      const got = await download(this.#http, {
        ...this.#repository.blobRequest(digest),
        into: path,
        size,
        most: size,
        signal: this.#stop.signal,
        onBytes: (length) => {
          grow(growth, length);
          told.has(length);
        },
      });
      this.downloadedBytes += got.downloadedBytes;
      this.resumedBytes += got.resumedBytes;
      endGrowth(growth);
    } catch (error) {
      this.#failure ??= error;
      breakGrowth(growth);
      this.#stop.abort();
    } finally {
      told.end();
      leave();
    }
  }

  /**
   * Ends all downloads, and removes what the next attempt cannot use.
   * @param thrown what the import of the image threw; `undefined` if it is in
   * @returns what really went wrong: readers of a download that failed only know that it did
   */
  async end(thrown?: unknown): Promise<unknown> {
    this.#stop.abort();
    const isReaders = isCairnError(thrown, 'ERR_ABORTED') && this.#failure !== undefined;
    const reason = isReaders ? this.#failure : thrown;
    for (const { done } of this.#coming.values()) await done;
    const isUsable = reason !== undefined && !isCorrupt(reason);
    for (const [digest, { source }] of this.#coming)
      if (!isUsable || isEmpty(source)) removePartial(this.#store, digest);
    return reason;
  }

  /** Whether the bytes that were wrong may have been those that earlier attempts left. */
  isMisled(reason: unknown): boolean {
    return this.#hasBuiltOn && isCorrupt(reason);
  }
}

/** Workers open the file at once, even if its turn to come is later. @returns whether it was there */
function beginFile(path: string): boolean {
  const isThere = fs.existsSync(path);
  if (!isThere) fs.writeFileSync(path, '', { mode: 0o600 });
  return isThere;
}

function isEmpty(source: Source): boolean {
  return 'path' in source && fs.statSync(source.path, { throwIfNoEntry: false })?.size === 0;
}

function isCorrupt(reason: unknown): boolean {
  return isCairnError(reason) && CORRUPT.has(reason.code);
}
