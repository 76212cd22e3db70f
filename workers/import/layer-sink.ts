/** Takes a layer's tar apart: contents to objects, entries to the table of contents, the rest to the recipe. */
import * as fs from 'node:fs';
import { CairnError, naming } from '../../engine/core/errors.js';
import { hexOf, keyOfBytes } from '../../engine/core/key.js';
import { stagedDocument, stagedNames, stagedRecipe, stagedToc } from '../../engine/disk/layout.js';
import { AciLayer } from '../../engine/layer/aci-rules.js';
import { OciLayer } from '../../engine/layer/oci-rules.js';
import { RecipeWriter } from '../../engine/layer/recipe.js';
import type { ContentRole, LayerRules } from '../../engine/layer/rules.js';
import type { TarEntry } from '../../engine/layer/tar/entry.js';
import { TarScanner, type TarSink } from '../../engine/layer/tar/scan.js';
import { encodeToc, type TocEntry } from '../../engine/layer/toc.js';
import type { ObjectHome } from '../../engine/objects/home.js';
import { homeAt } from '../../engine/objects/homes.js';
import type { IngestTask, LayerResult } from '../tasks/import.js';
import { RingWriter } from '../tasks/ring.js';
import { BlobFile, writeBlob } from './blob-file.js';
import { LooseStaging } from './loose-staging.js';
import type { NewObjects } from './new-objects.js';
import { ParcelWriter } from './object-file.js';
import { ObjectWriter } from './object-writer.js';
import { PackOutput } from './pack-file.js';
import { PackWriter } from './pack-writer.js';

export class LayerSink implements TarSink {
  readonly #task: IngestTask;
  readonly #scanner: TarScanner;
  readonly #layer: LayerRules;
  readonly #place: NewObjects | PackWriter;
  readonly #objects: ObjectWriter;
  readonly #recipeFile: BlobFile;
  readonly #recipe: RecipeWriter;
  readonly #manifest: Buffer[] = [];
  #role: ContentRole = 'none';
  #files = 0;
  #contentBytes = 0;

  constructor(task: IngestTask) {
    this.#task = task;
    this.#scanner = new TarScanner(this, task.limits, task.vouched);
    this.#layer = task.format === 'aci' ? new AciLayer(task.limits) : new OciLayer(task.limits, task.isBare);
    const home = homeAt(task.objects);
    this.#place = placeOf(task, home);
    this.#objects = new ObjectWriter({ home, place: this.#place, storeIsEmpty: task.storeIsEmpty });
    this.#recipeFile = new BlobFile(stagedRecipe(task.staging));
    this.#recipe = new RecipeWriter((packed) => this.#recipeFile.write(packed));
  }

  /** The next bytes of the tar. */
  push(chunk: Buffer): void {
    this.#scanner.push(chunk);
  }

  frame(bytes: Buffer): void {
    this.#recipe.frame(bytes);
  }

  entry(entry: TarEntry): void {
    this.#role = this.#layer.add(entry);
    if (this.#role !== 'object') return;
    this.#files++;
    this.#contentBytes += entry.size;
    this.#objects.begin(this.#layer.entries.at(-1) as TocEntry);
    if (entry.stored > 0) this.#recipe.content(entry.stored);
  }

  content(bytes: Buffer): void {
    if (this.#role === 'object') this.#objects.content(bytes);
    else {
      // The manifest is kept as a blob of its own, and also stands in the recipe as it came.
      if (this.#role === 'manifest') this.#manifest.push(Buffer.from(bytes));
      this.#recipe.frame(bytes);
    }
  }

  hole(length: number): void {
    if (this.#role === 'object') this.#objects.hole(length);
    else if (this.#role === 'manifest')
      throw new CairnError('ERR_BAD_ARCHIVE', 'a sparse manifest', { entry: 'manifest' });
  }

  entryEnd(): void {
    if (this.#role === 'object') this.#objects.end();
  }

  /** Writes what describes the layer as a whole. To be called after the last bytes. */
  finish(): LayerResult {
    this.#scanner.finish();
    if (!this.#scanner.ended && !this.#task.vouched) {
      const why = 'the archive has no end marker; it may be cut off';
      throw new CairnError('ERR_BAD_ARCHIVE', why, { entry: this.#scanner.lastName });
    }
    const { staging, tocVersion } = this.#task;
    const entries = this.#layer.finish();
    this.#objects.finish();
    this.#recipe.finish();
    const toc = writeBlob(stagedToc(staging), encodeToc(entries, tocVersion));
    const recipe = this.#recipeFile.finish();
    const manifest = Buffer.concat(this.#manifest);
    const names = [...this.#place.files, toc.sha512, recipe.sha512];
    if (manifest.length > 0) names.push(stageManifest(staging, manifest));
    fs.writeFileSync(stagedNames(staging), names.join('\n'), { mode: 0o600 });
    const { sizes } = this.#objects;
    // The index has the same order.
    const objects = [...sizes.keys()].sort();
    return {
      toc,
      recipe,
      manifest,
      entries: this.#scanner.entries,
      trailing: this.#scanner.trailing,
      files: this.#files,
      contentBytes: this.#contentBytes,
      objects: objects.join('\n'),
      sizes: Float64Array.from(objects, (name) => sizes.get(name) as number),
      skipped: this.#objects.skipped,
      ...(this.#place instanceof PackWriter
        ? { packed: { ...this.#place.result, places: Uint32Array.from(this.#objects.places) } }
        : {}),
    };
  }

  close(): void {
    this.#objects.close();
    this.#recipeFile.close();
  }
}

/** Keeps an ACI's manifest as a document. @returns its sha512, in hex */
function stageManifest(staging: string, manifest: Buffer): string {
  const key = keyOfBytes(manifest);
  const path = stagedDocument(staging, key);
  naming(path, () => fs.writeFileSync(path, manifest, { mode: 0o600 }));
  return hexOf(key);
}

/** Where the layer's new objects go: to a pack, or to files. */
function placeOf(task: IngestTask, home: ObjectHome): NewObjects | PackWriter {
  const { parcels, lane, rows, staging, newObjects, flat, identity } = task;
  const staged = home.stagingIn(newObjects, flat ? 'flat' : 'sharded');
  const ring = parcels === undefined ? undefined : new RingWriter(parcels);
  if (lane !== undefined) {
    const output = ring ?? new PackOutput(lane);
    const files = { staging: staged, scratch: staging };
    return new PackWriter({ output, lane, files, onRows: rows && ((some) => rows.postMessage(some)) });
  }
  const writer = ring === undefined ? undefined : new ParcelWriter(ring);
  return new LooseStaging({ staging: staged, scratch: staging, identity, parcels: writer });
}
