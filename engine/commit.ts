/**
 * Makes prepared imports visible: sync, place, sync, one transaction. Imports that become ready while another batch is being
 * committed go together in the next one, so that many small images share the waits for the disk.
 */
import type { AbsorbResult } from '../workers/protocol.js';
import type { StoreContext } from './context.js';
import { type Retained, rememberDigest, retainBlob, retainLayer, retainObjects } from './index/contents.js';
import { putImage } from './index/images.js';
import type { ImageRecord } from './index/records.js';
import { type Key, keyBytes } from './key.js';
import { stagedManifest, stagedRecipe, stagedToc } from './layout.js';
import type { ImageManifest } from './manifest/image.js';
import { eachOf } from './pool.js';

/** An import that is staged, hashed and validated. */
export interface Prepared {
  staging: string;
  absorbed: AbsorbResult;
  manifest: ImageManifest;
  /** See `import.ts`; none for streams. */
  fingerprint: string | undefined;
  /** Milliseconds since 1970. What comes in one command differs by its place in it. */
  importTime: number;
  latest: boolean;
}

export interface Committed {
  image: ImageRecord;
  existed: boolean;
  objects: Retained;
}

interface Waiting {
  prepared: Prepared;
  resolve: (committed: Committed) => void;
  reject: (error: unknown) => void;
}

export class Committer {
  readonly #store: StoreContext;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  /** Resolves when the image is durable. */
  add(prepared: Prepared): Promise<Committed> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ prepared, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const committed = await this.#commit(batch.map(({ prepared }) => prepared));
        for (const [i, { resolve }] of batch.entries()) resolve(committed[i] as Committed);
      } catch (error) {
        // Some of it may have been placed already; its notes in staging tell the next gc what.
        this.#store.staging.abandon();
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = false;
  }

  async #commit(batch: readonly Prepared[]): Promise<Committed[]> {
    const { pool, disk, layout, index } = this.#store;
    await disk.sync();
    const stagings = batch.map(({ staging }) => staging);
    const files = batch.flatMap(({ staging, absorbed }): [string, string][] => [
      [stagedToc(staging), layout.blob(`sha512-${absorbed.toc.sha512}`)],
      [stagedRecipe(staging), layout.blob(`sha512-${absorbed.recipe.sha512}`)],
      [stagedManifest(staging), layout.blob(`sha512-${absorbed.manifestHash}`)],
    ]);
    const shares = Array.from({ length: pool.size }, (_none, share) => share);
    await eachOf(shares, pool.size, (share) =>
      pool.run<'place'>({
        kind: 'place',
        stagings,
        objects: layout.objects,
        files: share === 0 ? files : [],
        share,
        of: pool.size,
      }),
    );
    await disk.sync();
    return index.commit(() => batch.map((prepared) => this.#record(prepared)));
  }

  /** Runs inside the transaction. */
  #record(prepared: Prepared): Committed {
    const { index } = this.#store;
    const { absorbed, manifest } = prepared;
    const key: Key = `sha512-${absorbed.sha512}`;
    const digest = `sha256:${absorbed.transport.sha256}`;
    const existing = index.image(key);
    rememberDigest(index, digest, prepared.fingerprint, key);
    const objects = this.#recordLayer(prepared, key, existing === undefined);
    this.#rememberTransport(key, prepared.fingerprint === undefined ? digest : `${digest} ${prepared.fingerprint}`);
    if (existing !== undefined) return { image: existing, existed: true, objects };
    const manifestKey: Key = `sha512-${absorbed.manifestHash}`;
    retainBlob(index, manifestKey, absorbed.manifest.length);
    const image: ImageRecord = {
      key,
      name: manifest.name,
      labels: manifest.labels,
      format: 'aci',
      size: absorbed.size,
      importTime: prepared.importTime,
      lastUsed: Date.now(),
      latest: prepared.latest,
      pinned: false,
      layers: [key],
      manifest: manifestKey,
      dependencies: manifest.dependencies,
      filters: manifest.pathWhitelist.length > 0,
    };
    putImage(index, image);
    return { image, existed: false, objects };
  }

  #recordLayer(prepared: Prepared, key: Key, isNew: boolean): Retained {
    const { index } = this.#store;
    const { absorbed } = prepared;
    if (index.layer(key) !== undefined) {
      // A tree may have kept the layer of an image that was removed.
      if (isNew) retainLayer(index, key);
      return { new: 0, newBytes: 0, shared: absorbed.sizes.length, sharedBytes: sum(absorbed.sizes) };
    }
    const names = absorbed.objects === '' ? [] : absorbed.objects.split('\n');
    const toc = { key: `sha512-${absorbed.toc.sha512}` as Key, size: absorbed.toc.size };
    const recipe = { key: `sha512-${absorbed.recipe.sha512}` as Key, size: absorbed.recipe.size };
    retainBlob(index, toc.key, toc.size);
    retainBlob(index, recipe.key, recipe.size);
    index.layers.put(keyBytes(key), {
      key,
      size: absorbed.size,
      toc,
      recipe,
      entries: absorbed.entries,
      files: absorbed.files,
      contentBytes: absorbed.contentBytes,
      objects: names.length,
      objectBytes: sum(absorbed.sizes),
      transports: [],
      refs: 1,
    });
    return retainObjects(index, names, absorbed.sizes, absorbed.skipped);
  }

  /** One layer may come in many archives: compressed anew, it has another digest. */
  #rememberTransport(key: Key, transport: string): void {
    const { index } = this.#store;
    const layer = index.layer(key);
    if (layer === undefined || layer.transports.includes(transport)) return;
    index.layers.put(keyBytes(key), { ...layer, transports: [...layer.transports, transport] });
  }
}

function sum(numbers: Float64Array): number {
  return numbers.reduce((total, each) => total + each, 0);
}
