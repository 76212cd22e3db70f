/**
 * The write path: a source becomes an image.
 *
 * identify → (known already?) → absorb on a worker: inflate, hash, scan, stage → validate the manifest → commit
 *
 * Nothing is visible before the commit, and whatever goes wrong before it leaves only staging to be thrown away.
 */
import { Absorber } from './absorb.js';
import { Committer, type Prepared } from './commit.js';
import { mustWrite, type OperationOptions, type StoreContext } from './context.js';
import { CairnError, toCairnError } from './errors.js';
import { identifyFile } from './identify.js';
import { digestBytes } from './index/contents.js';
import type { ImageRecord } from './index/records.js';
import { type Key, keyBytes, parseHashPrefix } from './key.js';
import { parseImageManifest } from './manifest/image.js';
import { eachOf, withControl } from './pool.js';
import { fingerprintOf, STDIN, sizeOf } from './sources.js';

export interface ImportOptions extends OperationOptions {
  /** Mark as the latest of its name. */
  latest?: boolean;
  /** The key or digest that the source must have. */
  expect?: string;
  /** Sources imported side by side; as many as there are workers. */
  jobs?: number;
  /** Go on with the other sources after one failed. */
  keepGoing?: boolean;
}

export interface Imported {
  source: string;
  key: Key;
  name: string;
  labels: Record<string, string>;
  format: 'aci';
  size: number;
  layers: number;
  objects: { new: number; shared: number; newBytes: number; sharedBytes: number };
  /** It was here before; nothing was written. */
  existed: boolean;
  ms: number;
}

export interface ImportFailure {
  source: string;
  error: CairnError;
}

export class Importer {
  readonly #store: StoreContext;
  readonly #committer: Committer;
  readonly #absorber: Absorber;

  constructor(store: StoreContext) {
    this.#store = store;
    this.#committer = new Committer(store);
    this.#absorber = new Absorber(store);
  }

  /**
   * Imports sources side by side, in no particular order; results come in the order of the sources.
   * @throws CairnError the first failure, unless `keepGoing`, where it takes the place of the result
   */
  async importAll(sources: readonly string[], options: ImportOptions): Promise<(Imported | ImportFailure)[]> {
    mustWrite(this.#store);
    const meter = new Meter(sources, options);
    const begun = Date.now();
    // The largest first: what begins last should be short, or one worker ends long after the others.
    const order = sources.map((_source, i) => i).sort((a, b) => sizeOf(sources[b]) - sizeOf(sources[a]));
    const results: (Imported | ImportFailure)[] = new Array(sources.length);
    await eachOf(order, options.jobs ?? this.#store.pool.size, async (i) => {
      // Side by side they end in any order; as images they are as new as their place in the list says.
      results[i] = await this.#importOrReport(sources[i] as string, begun + i, options, meter);
    });
    return results;
  }

  async #importOrReport(
    source: string,
    importTime: number,
    options: ImportOptions,
    meter: Meter,
  ): Promise<Imported | ImportFailure> {
    try {
      return await this.#importOne(source, importTime, options, meter);
    } catch (thrown) {
      const error = toCairnError(thrown, source);
      if (!(error instanceof CairnError)) throw error;
      const named = new CairnError(error.code, error.message, {
        ...error.toJSON(),
        path: error.path ?? source,
        cause: error,
      });
      if (options.keepGoing !== true || error.code === 'ERR_ABORTED') throw named;
      return { source, error: named };
    }
  }

  async #importOne(source: string, importTime: number, options: ImportOptions, meter: Meter): Promise<Imported> {
    const begun = performance.now();
    const { signal } = options;
    return this.#store.uses.during(signal, async () => {
      const file = source === STDIN ? undefined : identifyFile(source);
      const fingerprint = file === undefined ? undefined : await fingerprintOf(source, file.size);
      const known = fingerprint === undefined ? undefined : await this.#findKnown(source, fingerprint, signal);
      if (known !== undefined) {
        checkExpected(options.expect, known.image.key, known.digest);
        meter.skip(source);
        return this.#alreadyHere(source, known.image, begun);
      }
      const staging = this.#store.staging.make();
      try {
        const absorbed = await this.#absorber.absorb(source, file?.size, staging, {
          signal,
          onBytes: meter.of(source),
          endless: options.expect !== undefined,
        });
        checkExpected(options.expect, `sha512-${absorbed.sha512}`, `sha256:${absorbed.transport.sha256}`);
        const manifest = parseImageManifest(absorbed.manifest, this.#store.limits);
        const prepared: Prepared = {
          staging,
          absorbed,
          manifest,
          fingerprint,
          importTime,
          latest: options.latest === true,
        };
        const { image, existed, objects } = await this.#committer.add(prepared);
        return existed ? this.#alreadyHere(source, image, begun) : describe(source, image, objects, false, begun);
      } finally {
        if (!this.#store.staging.abandoned) await this.#store.pool.run<'remove'>({ kind: 'remove', paths: [staging] });
      }
    });
  }

  /**
   * An archive that is here already need not be unpacked to find out: one of the same length, head and tail is looked for first,
   * and only then the whole is hashed as it lies there.
   */
  async #findKnown(
    source: string,
    fingerprint: string,
    signal: AbortSignal | undefined,
  ): Promise<{ image: ImageRecord; digest: string } | undefined> {
    const { index, pool } = this.#store;
    const candidates = index.fingerprints.get(fingerprint);
    if (candidates === undefined) return undefined;
    const { sha256 } = await withControl(signal, undefined, (control) =>
      pool.run<'digest'>({ kind: 'digest', control, path: source }),
    );
    const digest = `sha256:${sha256}`;
    if (!candidates.includes(digest)) return undefined;
    const key = index.digests.get(digestBytes(digest));
    const image = key === undefined ? undefined : index.image(key);
    return image === undefined ? undefined : { image, digest };
  }

  /** Importing counts as use, and changes nothing else of an image that is here. */
  async #alreadyHere(source: string, image: ImageRecord, begun: number): Promise<Imported> {
    const { index } = this.#store;
    await index.commit(() => {
      const now = index.image(image.key);
      if (now !== undefined) index.images.put(keyBytes(image.key), { ...now, lastUsed: Date.now() });
    });
    const layer = index.layer(image.key);
    const objects = { new: 0, newBytes: 0, shared: layer?.objects ?? 0, sharedBytes: layer?.objectBytes ?? 0 };
    return describe(source, image, objects, true, begun);
  }
}

function describe(
  source: string,
  image: ImageRecord,
  objects: Imported['objects'],
  existed: boolean,
  begun: number,
): Imported {
  return {
    source,
    key: image.key,
    name: image.name,
    labels: Object.fromEntries(image.labels.map(({ name, value }) => [name, value])),
    format: image.format,
    size: image.size,
    layers: image.layers.length,
    objects,
    existed,
    ms: Math.round(performance.now() - begun),
  };
}

/** @throws CairnError `ERR_DIGEST_MISMATCH`; `ERR_KEY_SYNTAX` for an expectation that is no hash */
function checkExpected(expected: string | undefined, key: string, digest: string): void {
  if (expected === undefined) return;
  const prefix = parseHashPrefix(expected);
  if (prefix === undefined) throw new CairnError('ERR_KEY_SYNTAX', `${expected}: neither a key nor a digest`);
  const found = prefix.kind === 'key' ? key : digest;
  if (found.slice('sha512-'.length).startsWith(prefix.hex)) return;
  throw new CairnError('ERR_DIGEST_MISMATCH', `expected ${expected}, but it is ${found}`, { expected, found });
}

/** Adds up what several imports have read. */
class Meter {
  readonly #done = new Map<string, number>();
  readonly #options: ImportOptions;
  readonly #what: string;

  constructor(sources: readonly string[], options: ImportOptions) {
    this.#options = options;
    this.#what = sources.length === 1 ? `importing ${sources[0]}` : `importing ${sources.length} images`;
  }

  of(source: string): ((bytes: number) => void) | undefined {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return undefined;
    return (bytes) => {
      this.#done.set(source, bytes);
      let done = 0;
      for (const each of this.#done.values()) done += each;
      onProgress({ what: this.#what, unit: 'bytes', done });
    };
  }

  skip(source: string): void {
    this.#done.delete(source);
  }
}
