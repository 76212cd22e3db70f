/** Looks whether what the index lists is what it says: layers, objects, trees. Reads everything, changes nothing. */
import type { Control, Finding } from '../workers/protocol.js';
import { toText } from './bytes.js';
import type { OperationOptions, StoreContext } from './context.js';
import { CairnError } from './errors.js';
import { allImages, blobsOf } from './index/images.js';
import { objectKey, objectName } from './index/open.js';
import type { ImageRecord, LayerRecord, ObjectRecord, TreeRecord } from './index/records.js';
import { ingredientsOf } from './ingredients.js';
import { hexOf, type Key, keyBytes, keyOf } from './key.js';
import { variantOf } from './object.js';
import type { Plan, PlanEntry } from './plan/plan.js';
import { treeHashOf } from './plan/tree-hash.js';
import { planOf } from './planning.js';
import { eachOf, withControl } from './pool.js';
import { objectsOfLayer } from './release.js';
import { packShard } from './render/shard.js';
import { extraPaths } from './tree-walk.js';

export interface CheckOptions extends OperationOptions {
  /** Only what is named; everything when neither is given. */
  images?: readonly ImageRecord[];
  trees?: readonly TreeRecord[];
  /** Trees only, not layers. */
  onlyTrees?: boolean;
  /** Compare sizes, times and metadata; do not hash. */
  quick?: boolean;
}

export interface Damage {
  kind: 'manifest' | 'layer' | 'object' | 'blob' | 'tree';
  /** Image or layer key, object name, tree id. */
  id: string;
  /** Below a tree's root. */
  path?: string;
  what: string;
}

export interface CheckResult {
  checked: { layers: number; objects: number; trees: number; bytes: number };
  damaged: Damage[];
  ok: boolean;
}

/** Work for one task: enough to be worth sending, little enough to share out evenly. */
const BATCH_BYTES = 64 * 2 ** 20;
const BATCH_ITEMS = 2000;

export async function checkStore(store: StoreContext, options: CheckOptions = {}): Promise<CheckResult> {
  return new Checker(store, options).run();
}

class Checker {
  readonly #store: StoreContext;
  readonly #options: CheckOptions;
  readonly #damaged: Damage[] = [];
  readonly #objects = new Map<string, ObjectRecord>();
  #bytes = 0;

  constructor(store: StoreContext, options: CheckOptions) {
    this.#store = store;
    this.#options = options;
  }

  async run(): Promise<CheckResult> {
    const { images, trees } = this.#targets();
    const layers = this.#options.onlyTrees === true ? [] : this.#layersOf(images);
    return this.#store.uses.during(this.#options.signal, async () => {
      if (this.#everything && this.#options.onlyTrees !== true) this.#allObjects();
      for (const layer of layers) this.#objectsOf(layer);
      const plans = trees.map((tree) => ({ tree, plan: this.#planOf(tree) }));
      for (const { tree, plan } of plans) if (plan !== undefined && tree.mode === 'link') this.#objectsOfPlan(plan);
      await withControl(this.#options.signal, this.#counter(), async (control) => {
        await this.#checkBlobs(control, images, layers);
        await this.#checkObjects(control);
        for (const { tree, plan } of plans) if (plan !== undefined) await this.#checkTree(control, tree, plan);
      });
      const checked = { layers: layers.length, objects: this.#objects.size, trees: trees.length, bytes: this.#bytes };
      return { checked, damaged: this.#damaged, ok: this.#damaged.length === 0 };
    });
  }

  get #everything(): boolean {
    return this.#options.images === undefined && this.#options.trees === undefined;
  }

  #targets(): { images: ImageRecord[]; trees: TreeRecord[] } {
    const { index } = this.#store;
    const { images, trees } = this.#options;
    const all = this.#everything;
    const named = all ? [...allImages(index)] : [...(images ?? [])];
    const allTrees = [...index.trees.getRange()].map(({ value }) => value);
    const own = all
      ? allTrees
      : allTrees.filter((tree) => tree.images.some((key) => named.some((image) => image.key === key)));
    const chosen = new Map([...own, ...(trees ?? [])].map((tree) => [tree.id, tree]));
    return { images: named, trees: [...chosen.values()] };
  }

  /** Layers of the images and of all that they depend on; what a missing dependency would add is not damage here. */
  #layersOf(images: readonly ImageRecord[]): LayerRecord[] {
    const { index } = this.#store;
    if (this.#everything) {
      return [...index.layers.getRange()].map(({ value }) => value);
    }
    const layers = new Map<Key, LayerRecord>();
    for (const image of images) {
      for (const key of this.#layerKeys(image)) {
        const layer = index.layer(key);
        if (layer !== undefined) layers.set(key, layer);
        else this.#damaged.push({ kind: 'layer', id: key, what: 'the index has no record of it' });
      }
    }
    return [...layers.values()];
  }

  #layerKeys(image: ImageRecord): Key[] {
    try {
      return ingredientsOf(this.#store, image).layers;
    } catch (error) {
      if (error instanceof CairnError && error.code !== 'ERR_DAMAGED') return image.layers;
      throw error;
    }
  }

  #allObjects(): void {
    for (const { key, value } of this.#store.index.objects.getRange()) this.#objects.set(objectName(key), value);
  }

  #objectsOf(layer: LayerRecord): void {
    const names = objectsOfLayer(this.#store, layer);
    if (names === undefined) return; // its table of contents is damaged, which the check of blobs names
    for (const name of names) this.#wantObject(name, layer.key);
  }

  #objectsOfPlan(plan: Plan): void {
    for (const entry of plan.entries) if (entry.type === 'file') this.#wantObject(objectOf(entry), undefined);
  }

  #wantObject(name: string, layer: Key | undefined): void {
    if (this.#objects.has(name)) return;
    const record = this.#store.index.objects.get(objectKey(name));
    if (record !== undefined) this.#objects.set(name, record);
    else
      this.#damaged.push({
        kind: 'object',
        id: name,
        what: `the index has no record of it${layer ? `, but ${layer} needs it` : ''}`,
      });
  }

  #planOf(tree: TreeRecord): Plan | undefined {
    const image = this.#store.index.image(tree.images[0] as Key);
    try {
      if (image === undefined) throw new CairnError('ERR_DAMAGED', 'its image is gone');
      const ingredients = ingredientsOf(this.#store, image);
      if (ingredients.treeId !== tree.id) return undefined; // its name means other dependencies now; gc will take it
      const plan = planOf(this.#store, ingredients);
      if (treeHashOf(plan) !== tree.hash)
        throw new CairnError('ERR_DAMAGED', 'its layers no longer give the tree it was');
      return plan;
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      if (error.code === 'ERR_NOT_FOUND') return undefined;
      this.#damaged.push({ kind: 'tree', id: tree.id, what: error.message });
      return undefined;
    }
  }

  async #checkBlobs(control: Control, images: readonly ImageRecord[], layers: readonly LayerRecord[]): Promise<void> {
    const { index, layout, pool } = this.#store;
    const wanted: { kind: Damage['kind']; id: string; part: string; key: Key; size: number }[] = [];
    if (this.#options.onlyTrees !== true) {
      for (const image of images) {
        for (const key of blobsOf(image)) {
          const size = index.blobs.get(keyBytes(key))?.size ?? -1;
          const part = key === image.manifest ? 'manifest' : key === image.config ? 'config' : 'kept archive';
          wanted.push({ kind: 'manifest', id: image.key, part, key, size });
        }
      }
    }
    if (this.#everything && this.#options.onlyTrees !== true) {
      for (const { key, value } of index.blobs.getRange()) {
        if (value.put) wanted.push({ kind: 'blob', id: keyOf(key), part: 'blob', key: keyOf(key), size: value.size });
      }
    }
    for (const { key, toc, recipe } of layers) {
      wanted.push({ kind: 'layer', id: key, part: 'table of contents', ...toc, key: toc.key });
      wanted.push({ kind: 'layer', id: key, part: 'recipe', ...recipe, key: recipe.key });
    }
    const lengths = batches(wanted, ({ size }) => size);
    await eachOf(lengths, pool.size, async (batch) => {
      const blobs = batch.map(({ key, size }) => ({ path: layout.blob(key), sha512: hexOf(key), size }));
      const result = await pool.run<'verify-blobs'>({
        kind: 'verify-blobs',
        control,
        blobs,
        quick: this.#options.quick === true,
      });
      this.#bytes += result.bytes;
      for (const { id, what } of result.findings) {
        for (const item of batch) {
          if (hexOf(item.key) === id)
            this.#damaged.push({ kind: item.kind, id: item.id, what: `${item.part}: ${what}` });
        }
      }
    });
  }

  async #checkObjects(control: Control): Promise<void> {
    const { layout, pool } = this.#store;
    await eachOf(
      batches([...this.#objects], ([, { size }]) => size),
      pool.size,
      async (batch) => {
        const skipped: Record<string, string[]> = {};
        for (const [name, record] of batch) if (record.skipped !== undefined) skipped[name] = record.skipped;
        const result = await pool.run<'verify-objects'>({
          kind: 'verify-objects',
          control,
          objects: layout.objects,
          names: batch.map(([name]) => name),
          sizes: Float64Array.from(batch, ([, { size }]) => size),
          skipped,
          quick: this.#options.quick === true,
        });
        this.#bytes += result.bytes;
        for (const { id, what } of result.findings) this.#damaged.push({ kind: 'object', id, what });
      },
    );
  }

  async #checkTree(control: Control, tree: TreeRecord, plan: Plan): Promise<void> {
    const { layout, pool, identity } = this.#store;
    const root = layout.rootfs(tree.id);
    const report = ({ id, what }: Finding): void => {
      this.#damaged.push({ kind: 'tree', id: tree.id, path: id === '' ? '.' : toText(id), what });
    };
    await eachOf(
      batches(plan.entries, ({ size }) => (tree.mode === 'link' ? 0 : size)),
      pool.size,
      async (own) => {
        const result = await pool.run<'verify-tree'>({
          kind: 'verify-tree',
          control,
          root,
          objects: layout.objects,
          shard: packShard(own),
          sizes: Float64Array.from(own, ({ size }) => size),
          groups: own.map(({ group }) => group).join('\0'),
          linked: tree.mode === 'link',
          skipped: Object.keys(tree.skipped),
          quick: this.#options.quick === true,
          identity,
        });
        this.#bytes += result.bytes;
        result.findings.forEach(report);
      },
    );
    for (const id of extraPaths(root, plan)) report({ id, what: 'not in the plan' });
  }

  #counter(): ((bytes: number, items: number) => void) | undefined {
    const { onProgress } = this.#options;
    return onProgress && ((done) => onProgress({ what: 'checking', unit: 'bytes', done }));
  }
}

function objectOf(entry: PlanEntry): string {
  return `${entry.key}.${variantOf(entry)}`;
}

/** Cuts a list into runs of bounded bytes and length. */
function batches<T>(items: readonly T[], bytesOf: (item: T) => number): T[][] {
  const cut: T[][] = [];
  let batch: T[] = [];
  let bytes = 0;
  for (const item of items) {
    batch.push(item);
    bytes += bytesOf(item);
    if (bytes < BATCH_BYTES && batch.length < BATCH_ITEMS) continue;
    cut.push(batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) cut.push(batch);
  return cut;
}
