/**
 * The write path: a source becomes an image.
 *
 * identify → (known already?) → ingest on workers: decode, scan and hash, write to staging → validate → commit
 *
 * Nothing is visible before the commit. An import that fails before it leaves only staging to delete.
 */

import { setMaxListeners } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { StagedDiscards } from '../content/delete.js';
import { commitImages } from '../content/document-writer.js';
import { eachOf } from '../core/concurrency.js';
import { defined } from '../core/defined.js';
import { CairnError, isCairnError } from '../core/errors.js';
import type { ImageRecord } from '../index/records.js';
import { withSignature } from '../index/signature.js';
import { isComplete } from '../resolve/completeness.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { type AciSource, prepareAci } from './aci.js';
import { Claims } from './claims.js';
import { Committer } from './commit.js';
import { findKnownArchive } from './known-archive.js';
import { findLayer, keepsArchives, keyOfImage, namesOf, type OciSource, platformOf, prepareOci } from './oci.js';
import { checkExpected, type ImportOptions, type ImportRequest } from './options.js';
import type { Outcome, Prepared } from './prepared-image.js';
import { Meter, type SourceProgress } from './progress.js';
import { LayerReader, type ReadOptions } from './read-layer.js';
import { merge } from './record-import.js';
import { heard, reported } from './report.js';
import { type Asked, describe, type Imported, type ImportFailure } from './result.js';
import type { ChosenImage } from './source/choose-image.js';
import { locateSource } from './source/locate.js';
import { type OpenableSource, type Opened, type OpenSource, openSource } from './source/open-source.js';
import { fileSize } from './source/sources.js';

export type { ImportOptions, ImportRequest } from './options.js';
export type { Imported, ImportFailure } from './result.js';

export class Importer {
  readonly #store: StoreContext;
  readonly #committer: Committer;
  readonly #reader: LayerReader;
  readonly #claims = new Claims();
  readonly #discards: StagedDiscards;

  constructor(store: StoreContext) {
    this.#store = store;
    this.#reader = new LayerReader(store);
    this.#discards = new StagedDiscards(store);
    this.#committer = new Committer(store, this.#reader);
  }

  /**
   * Imports sources side by side, in no particular order. Results have the order of the sources. The caller relies on
   * objects.
   * @throws CairnError the first failure; with `keepGoing` each failure takes the place of its result instead
   */
  async importAll(sources: readonly AnySource[], options: ImportRequest): Promise<(Imported | ImportFailure)[]> {
    mustWrite(this.#store);
    const names = sources.map((each) => (typeof each === 'string' ? each : each.source));
    const sizes = names.map(fileSize);
    const meter = new Meter(names, sizes, options);
    const begun = Date.now();
    // The largest first: a long import that begins last would keep one worker busy after all others have ended.
    const sizeOf = (i: number): number => sizes[i] ?? Number.MAX_SAFE_INTEGER;
    const order = names.map((_name, i) => i).sort((a, b) => sizeOf(b) - sizeOf(a));
    const results: (Imported | ImportFailure)[][] = new Array(sources.length);
    let hasFailed = false;
    const isWanted = (): boolean => !hasFailed;
    // Each source that waits listens to it.
    if (options.signal !== undefined) setMaxListeners(0, options.signal);
    this.#reader.sources += sources.length;
    try {
      await eachOf(order, options.jobs ?? this.#store.pool.size + 1, async (i, _index, releaseSlot) => {
        const source = names[i] as string;
        const onWaiting = (): void => {
          if (options.jobs === undefined && this.#committer.hasRoom) releaseSlot();
        };
        const slot = { releaseSlot, onWaiting, isWanted };
        // Imports end in any order. Their images are as new as their place in the list says.
        const request = { ...options, ...slot, importTime: begun + i, meter, progress: meter.of(source) };
        try {
          results[i] = await this.#importOrReport(sources[i] as AnySource, request);
        } catch (error) {
          hasFailed = true;
          throw error;
        }
        meter.end(source);
      });
    } finally {
      this.#reader.sources -= sources.length;
    }
    return results.flat();
  }

  async #importOrReport(from: AnySource, request: Request): Promise<(Imported | ImportFailure)[]> {
    const source = typeof from === 'string' ? from : from.source;
    const asked = { source, begun: performance.now() };
    try {
      if (typeof from !== 'string') return await this.#importOpened(asked, from.open, request);
      return await this.#importOne(asked, request);
    } catch (error) {
      return [reported(source, error, request)];
    }
  }

  async #importOne(asked: Asked, request: Request): Promise<(Imported | ImportFailure)[]> {
    const { source } = asked;
    const { index } = this.#store;
    const located = await locateSource(source);
    const known = await findKnownArchive(this.#store, located, request);
    if (known !== undefined && isComplete(index, known.image)) {
      refuseName(request);
      checkExpected(request.expect, [known.image.key, known.digest]);
      const told = await approved(known.image, request, known.digest);
      return [heard(await this.#alreadyHere(asked, known.image, told), request)];
    }
    const named = { source: request.shownAs ?? source, located };
    const openThis: OpenSource = (dir) => openSource(this.#store, named, dir, request);
    return this.#importOpened(asked, openThis, restoring(request, known?.image));
  }

  async #importOpened(asked: Asked, open: OpenSource, request: Request): Promise<(Imported | ImportFailure)[]> {
    const dir = this.#store.staging.make();
    try {
      const one = { asked, staging: dir, request };
      const opened = await open(dir);
      if (opened.kind !== 'aci') return await this.#importImages(one, opened);
      if (opened.size !== undefined) request.progress?.expect(opened.size);
      return [heard(await this.#importAci(one, opened), request)];
    } finally {
      await this.#discards.discard(dir);
    }
  }

  async #importAci({ asked, staging, request }: OneImport, aci: AciSource): Promise<Imported> {
    refuseName(request);
    const read = await prepareAci({ store: this.#store, reader: this.#reader, staging }, aci, request);
    const digest = read.layers[0]?.archiveDigests[0]?.digest;
    const prepared = { ...read, image: await approved(read.image, request, digest) };
    return this.#describeOutcome(asked, prepared, await this.#commit(prepared, request));
  }

  async #importImages(one: OneImport, { container, images }: OpenedOci): Promise<(Imported | ImportFailure)[]> {
    if (images.length === 1) {
      return [heard(await this.#importOci(one, { container, chosen: images[0] as ChosenImage }), one.request)];
    }
    refuseSeveral(one);
    one.request.progress?.expect(0);
    // The source's slot is free once all of its images are in.
    const { meter } = one.request;
    return eachOf(images, this.#store.pool.size + 1, async (chosen, i) => {
      const source = `${one.asked.source}:${chosen.references[0] ?? chosen.config.digest}`;
      const staging = join(one.staging, `image-${i}`);
      fs.mkdirSync(staging, { mode: 0o700 });
      const asked = { ...one.asked, source };
      const request = { ...one.request, progress: meter.of(source), releaseSlot: () => {} };
      try {
        return heard(await this.#importOci({ asked, staging, request }, { container, chosen }), request);
      } catch (error) {
        return reported(source, error, request);
      }
    });
  }

  async #importOci({ asked, staging, request }: OneImport, oci: OciSource): Promise<Imported> {
    const { chosen } = oci;
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
      const isHere = here !== undefined && isComplete(this.#store.index, here);
      const isKept = !keepsArchives(chosen, request) || here?.archives !== undefined || request.spareLayers === true;
      if (isHere && isKept) {
        const [first = { name: '', labels: [] }, ...aliases] = namesOf(chosen, request);
        const platform = platformOf(chosen);
        const again = { ...here, ...first, aliases, digests, ...defined({ platform }) };
        const told = await approved(request.leaveNames === true ? here : again, request);
        return await this.#alreadyHere(asked, here, told);
      }
      return await this.#readChosen({ asked, staging, request: isHere ? request : restoring(request, here) }, oci);
    } finally {
      claim.release();
    }
  }

  /** Reads the image, and again if layers of it were removed meanwhile. The second time all layers are read. */
  async #readChosen({ asked, staging, request }: OneImport, oci: OciSource): Promise<Imported> {
    for (let attempt = 0; ; attempt++) {
      const dir = join(staging, `${attempt}`);
      fs.mkdirSync(dir, { mode: 0o700 });
      const importing = { store: this.#store, reader: this.#reader, staging: dir };
      const read = await prepareOci(importing, oci, { ...request, readAll: attempt > 0 });
      const prepared = { ...read, image: await approved(read.image, request) };
      const committing = this.#commit(prepared, request);
      const outcome = await (attempt === 0 ? committing.catch(lostIfDamaged) : committing);
      if (outcome !== 'lost' || attempt > 0) return this.#describeOutcome(asked, prepared, outcome);
    }
  }

  /** The import now waits for the disk. Meanwhile other sources can be read, and join the same commit. */
  #commit(prepared: Prepared, { signal, releaseSlot }: Request): Promise<Outcome> {
    return this.#committer.add(prepared, signal, releaseSlot);
  }

  #describeOutcome(asked: Asked, { image }: Prepared, outcome: Outcome): Imported {
    if (outcome === 'lost') {
      throw new CairnError('ERR_NOT_FOUND', `layers of ${image.name || image.key} were removed while it was imported`);
    }
    const { image: recorded, existed, restored } = outcome;
    const given = image.name === '' ? undefined : image;
    const described = describe(asked, recorded, { ...outcome, given }, existed);
    return restored ? { ...described, healed: true } : described;
  }

  /** Notes the use of an image that is here, its new names and digests, and who vouched for it, and nothing else. */
  async #alreadyHere(asked: Asked, image: ImageRecord, again = image): Promise<Imported> {
    const { index } = this.#store;
    // Kept archives may be gone: other processes may have removed the image and imported it anew.
    const { archives: _kept, unnamed: _unnamed, ...news } = again;
    const { image: merged, ...changes } = await commitImages(this.#store, (documents) => {
      const now = index.image(image.key);
      return now === undefined ? { image, moved: [] } : merge({ index, documents }, now, news);
    });
    const layers = [...new Set(image.layers)].map((key) => index.layer(key));
    const objects = {
      new: 0,
      newBytes: 0,
      shared: layers.reduce((sum, layer) => sum + (layer?.objects ?? 0), 0),
      sharedBytes: layers.reduce((sum, layer) => sum + (layer?.objectBytes ?? 0), 0),
    };
    const given = again.name === '' ? undefined : { name: again.name, labels: again.labels };
    return describe(asked, merged, { objects, ...changes, given }, true);
  }
}

/** The image with who vouched for it, once nothing speaks against it. */
async function approved(image: ImageRecord, request: ImportRequest, digest?: string): Promise<ImageRecord> {
  const verified = await request.approve?.(image, digest);
  return withSignature(image, verified ?? request.signature);
}

/** A layer that was here may be gone or damaged after all. The source still has it, so the image is read again. */
function lostIfDamaged(error: unknown): 'lost' {
  if (isCairnError(error, 'ERR_DAMAGED')) return 'lost';
  throw error;
}

type AnySource = string | OpenableSource;

type Request = ImportRequest & {
  importTime: number;
  meter: Meter;
  progress: SourceProgress | undefined;
  /** Called when all is read: another source can be read while this one waits for its commit. */
  releaseSlot: () => void;
} & Pick<ReadOptions, 'onWaiting' | 'isWanted'>;

type OpenedOci = Extract<Opened, { kind: 'oci' }>;

interface OneImport {
  asked: Asked;
  /** A directory of its own. */
  staging: string;
  request: Request;
}

/** An incomplete image whose archives were kept gets its archives back, too. */
function restoring(request: Request, image: ImageRecord | undefined): Request {
  return image?.archives === undefined ? request : { ...request, keepArchive: true };
}

function refuseSeveral({ asked: { source }, request }: OneImport): void {
  const flag = request.name !== undefined ? '--name' : request.expect !== undefined ? '--expect' : undefined;
  if (flag !== undefined) throw new CairnError('ERR_USAGE', `${source} holds several images; ${flag} is for one`);
}

function refuseName({ name }: ImportOptions): void {
  if (name === undefined) return;
  throw new CairnError('ERR_USAGE', '--name is for OCI images; an ACI is named by its manifest');
}
