/**
 * The write path: a source becomes an image.
 *
 * identify → (known already?) → absorb on workers: inflate, hash, scan, stage → validate → commit
 *
 * Nothing is visible before the commit, and whatever goes wrong before it leaves only staging to be thrown away.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Source } from '../../workers/tasks/parts.js';
import { StagedDiscards } from '../content/delete.js';
import { commitImages } from '../content/document-writer.js';
import { eachOf } from '../core/concurrency.js';
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';
import { hostPlatform, parsePlatform } from '../image/oci/platform.js';
import type { ImageRecord } from '../index/records.js';
import { isWhole } from '../resolve/completeness.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { prepareAci } from './aci.js';
import { Claims } from './claims.js';
import { Committer } from './commit.js';
import { findLayer, givenName, keepsArchives, keyOfImage, namesOf, prepareOci } from './oci.js';
import { checkExpected, type ImportOptions, type ImportRequest } from './options.js';
import type { Committed, Outcome, Prepared } from './prepared-image.js';
import { Meter } from './progress.js';
import { Absorber } from './read-layer.js';
import { merge } from './record-import.js';
import { describe, type Imported, type ImportFailure } from './result.js';
import { type ChosenImage, chooseImage } from './source/choose-image.js';
import { type Container, directoryContainer } from './source/container.js';
import { headOf, headOfStream, kindOfArchive, type Located, locateSource } from './source/locate.js';
import { openArchive } from './source/open-archive.js';
import { chooseSingleLayer } from './source/single-layer.js';
import { fingerprintOf, sizeOf } from './source/sources.js';

export type { ImportOptions, ImportRequest } from './options.js';
export type { Imported, ImportFailure } from './result.js';

export class Importer {
  readonly #store: StoreContext;
  readonly #committer: Committer;
  readonly #absorber: Absorber;
  readonly #claims = new Claims();
  readonly #discards: StagedDiscards;

  constructor(store: StoreContext) {
    this.#store = store;
    this.#absorber = new Absorber(store);
    this.#discards = new StagedDiscards(store);
    this.#committer = new Committer(store, this.#absorber);
  }

  /**
   * Imports sources side by side, in no particular order; results come in the order of the sources. The caller relies on objects.
   * @throws CairnError the first failure, unless `keepGoing`, where it takes the place of the result
   */
  async importAll(sources: readonly string[], options: ImportRequest): Promise<(Imported | ImportFailure)[]> {
    mustWrite(this.#store);
    const meter = new Meter(sources, options);
    const begun = Date.now();
    // The largest first: what begins last should be short, or one worker ends long after the others.
    const order = sources.map((_source, i) => i).sort((a, b) => sizeOf(sources[b]) - sizeOf(sources[a]));
    const results: (Imported | ImportFailure)[] = new Array(sources.length);
    this.#absorber.sources += sources.length;
    try {
      await eachOf(order, options.jobs ?? this.#store.pool.size + 1, async (i, _index, leave) => {
        const source = sources[i] as string;
        // Side by side they end in any order; as images they are as new as their place in the list says.
        const request = { ...options, importTime: begun + i, onBytes: meter.of(source), leave };
        results[i] = await this.#importOrReport(source, request, meter);
      });
    } finally {
      this.#absorber.sources -= sources.length;
    }
    return results;
  }

  async #importOrReport(source: string, request: Request, meter: Meter): Promise<Imported | ImportFailure> {
    try {
      return await this.#importOne(source, request, meter);
    } catch (thrown) {
      const error = toCairnError(thrown, source);
      if (!isCairnError(error)) throw error;
      const named = new CairnError(error.code, error.message, {
        ...error.toJSON(),
        path: error.path ?? source,
        cause: error,
      });
      if (request.keepGoing !== true || error.code === 'ERR_ABORTED') throw named;
      return { source, error: named };
    }
  }

  async #importOne(source: string, request: Request, meter: Meter): Promise<Imported> {
    const begun = performance.now();
    const { staging } = this.#store;
    const located = locateSource(source);
    const fingerprint = located.kind === 'file' ? await fingerprintOf(located.path, located.size) : undefined;
    const known = await this.#findKnown(located, fingerprint, request);
    const lacking = known !== undefined && !isWhole(this.#store.index, known.image);
    // What is kept of an image should be whole again, too.
    if (lacking && known.image.archives !== undefined) request.keepArchive = true;
    if (known !== undefined && !lacking) {
      refuseName(request);
      checkExpected(request.expect, [known.image.key, known.digest]);
      meter.skip(source);
      return this.#alreadyHere(source, known.image, begun);
    }
    const dir = staging.make();
    try {
      if (located.kind === 'directory') {
        refuseFlag(request.layer, '--layer takes a single tar, not a layout');
        const container = directoryContainer(located.path, this.#store.limits);
        return await this.#importOci(source, container, located.reference, dir, request, begun);
      }
      const head = await (located.kind === 'stream' ? headOfStream(request.signal) : headOf(located.path));
      const from: Source = located.kind === 'stream' ? { fd: 0, head } : { path: located.path };
      const size = located.kind === 'stream' ? undefined : located.size;
      if (request.layer === true) {
        const chosen = await chooseSingleLayer(this.#store, from, dir, request);
        return await this.#importChosen(source, chosen.container, chosen.image, dir, request, begun);
      }
      if ((await kindOfArchive(this.#store, head)) === 'container') {
        const container = await openArchive(this.#store, { name: source, source: from, head }, dir, request.signal);
        const reference = located.kind === 'stream' ? undefined : located.reference;
        return await this.#importOci(source, container, reference, dir, request, begun);
      }
      refuseName(request);
      const aci = { source: from, size, fingerprint };
      const prepared = await prepareAci(this.#store, this.#absorber, aci, dir, request);
      return this.#describeOutcome(source, prepared, await this.#commit(prepared, request), begun);
    } finally {
      await this.#discards.discard(dir);
    }
  }

  #importOci(
    source: string,
    container: Container,
    reference: string | undefined,
    staging: string,
    request: Request,
    begun: number,
  ): Promise<Imported> {
    const platform =
      request.platform === undefined ? hostPlatform(process.arch, process.platform) : parsePlatform(request.platform);
    const chosen = chooseImage(container, { reference, platform }, this.#store.limits);
    return this.#importChosen(source, container, chosen, staging, request, begun);
  }

  async #importChosen(
    source: string,
    container: Container,
    chosen: ChosenImage,
    staging: string,
    request: Request,
    begun: number,
  ): Promise<Imported> {
    const digests = [chosen.config.digest, ...(chosen.manifest === undefined ? [] : [chosen.manifest.digest])];
    const key = keyOfImage(chosen);
    checkExpected(request.expect, [key, ...digests]);
    const unread = chosen.layers.filter(
      (layer) => keepsArchives(chosen, request) || findLayer(this.#store, layer) === undefined,
    );
    const claim = this.#claims.take(unread.map(({ diffId }) => diffId));
    try {
      await Promise.all(claim.others);
      const here = this.#store.index.image(key);
      const whole = here !== undefined && isWhole(this.#store.index, here);
      if (!whole && here?.archives !== undefined) request.keepArchive = true;
      if (whole && (!keepsArchives(chosen, request) || here.archives !== undefined)) {
        const [first = { name: '', labels: [] }, ...aliases] = namesOf(chosen, request.name);
        const given = givenName(first, request, request.importTime);
        return await this.#alreadyHere(source, here, begun, { ...here, ...first, aliases, digests, ...given });
      }
      for (let attempt = 0; ; attempt++) {
        const dir = join(staging, `${attempt}`);
        fs.mkdirSync(dir, { mode: 0o700 });
        const asked = { ...request, readAll: attempt > 0 };
        const prepared = await prepareOci(this.#store, this.#absorber, container, chosen, dir, asked);
        const committing = this.#commit(prepared, request);
        const outcome = await (attempt === 0 ? committing.catch(lostIfDamaged) : committing);
        if (outcome !== 'lost' || attempt > 0) return this.#describeOutcome(source, prepared, outcome, begun);
      }
    } finally {
      claim.release();
    }
  }

  /** The disk is what an import waits for now; other sources can be read meanwhile, and go into one commit. */
  #commit(prepared: Prepared, { signal, leave }: Request): Promise<Outcome> {
    return this.#committer.add(prepared, signal, leave);
  }

  async #describeOutcome(source: string, { image }: Prepared, outcome: Outcome, begun: number): Promise<Imported> {
    if (outcome === 'lost') {
      throw new CairnError('ERR_NOT_FOUND', `layers of ${image.name || image.key} were removed while it was imported`);
    }
    const committed: Committed = outcome;
    if (committed.healed) return { ...describe(source, committed.image, committed.objects, true, begun), healed: true };
    if (committed.existed) return this.#alreadyHere(source, committed.image, begun);
    return describe(source, committed.image, committed.objects, false, begun);
  }

  /**
   * An archive that is here already need not be unpacked to find out: one of the same length, head and tail is looked for first,
   * and only then the whole is hashed as it lies there.
   */
  async #findKnown(
    located: Located,
    fingerprint: string | undefined,
    { signal, layer, keepArchive }: ImportOptions,
  ): Promise<{ image: ImageRecord; digest: string } | undefined> {
    if (located.kind !== 'file' || fingerprint === undefined || layer === true) return undefined;
    const { index, pool } = this.#store;
    const { path } = located;
    const candidates = index.fingerprints.get(fingerprint);
    if (candidates === undefined) return undefined;
    const { sha256 } = await pool.ask('digest', { source: { path } }, { signal });
    const digest = `sha256:${sha256}`;
    if (!candidates.includes(digest)) return undefined;
    const key = index.digests.get(digest);
    const image = key === undefined ? undefined : index.image(key);
    if (image === undefined || (keepArchive === true && image.archives === undefined)) return undefined;
    return { image, digest };
  }

  /** Importing counts as use, and changes nothing else of an image that is here. */
  async #alreadyHere(source: string, image: ImageRecord, begun: number, again = image): Promise<Imported> {
    const { index } = this.#store;
    // What was kept may be gone: others may have removed the image and imported it anew.
    const { archives: _kept, ...news } = again;
    const merged = await commitImages(this.#store, (documents) => {
      const now = index.image(image.key);
      return now === undefined ? image : merge(index, documents, now, news);
    });
    const layers = [...new Set(image.layers)].map((key) => index.layer(key));
    const objects = {
      new: 0,
      newBytes: 0,
      shared: layers.reduce((sum, layer) => sum + (layer?.objects ?? 0), 0),
      sharedBytes: layers.reduce((sum, layer) => sum + (layer?.objectBytes ?? 0), 0),
    };
    // By the name it was given this time, if it was given one.
    const asked = again.name === '' ? merged : { ...merged, name: again.name, labels: again.labels };
    return describe(source, asked, objects, true, begun);
  }
}

/** A layer that is here need not be read; if it is gone after all, or not as it should be, the source still has it. */
function lostIfDamaged(error: unknown): 'lost' {
  if (isCairnError(error, 'ERR_DAMAGED')) return 'lost';
  throw error;
}

type Request = ImportRequest & {
  importTime: number;
  onBytes: ((bytes: number) => void) | undefined;
  /** All is read; another source can be, while this one waits for its commit. */
  leave: () => void;
};

function refuseName({ name }: ImportOptions): void {
  refuseFlag(name !== undefined, '--name is for OCI images; an ACI is named by its manifest');
}

function refuseFlag(given: boolean | undefined, why: string): void {
  if (given === true) throw new CairnError('ERR_USAGE', why);
}
