/** Looks whether what the index lists is what it says: layers, objects, trees. Reads everything, changes nothing. */
import { toText } from './bytes.js';
import type { OperationOptions, StoreContext } from './context.js';
import { CairnError } from './errors.js';
import { statOrFault } from './fault.js';
import { allImages, blobsOf } from './index/images.js';
import { objectKey, objectName } from './index/objects.js';
import type { ImageRecord, LayerRecord, ObjectRecord, TreeRecord } from './index/records.js';
import { checkRows } from './index/rows.js';
import { ingredientsOf } from './ingredients.js';
import { KeptPlans } from './kept-plans.js';
import { hexOf, type Key, keyBytes, keyOf } from './key.js';
import { objectOf, type Plan } from './plan/plan.js';
import { treeHashOf } from './plan/tree-hash.js';
import { eachOf, withControl } from './pool.js';
import { objectSizesOf } from './release.js';
import { type Look, verifyBlobs, verifyObjects } from './verify-files.js';
import { type DamagedFile, pathsOfDamaged, planOfTree, verifyTree } from './verify-tree.js';

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
  /** Of the damaged file, where that is a blob. */
  key?: Key;
  /** A repair has seen it: it is gone, and an import is to bring it back. */
  awaited?: true;
}

export interface CheckResult {
  checked: { layers: number; objects: number; trees: number; bytes: number };
  damaged: Damage[];
  ok: boolean;
}

/** Who needs a blob, and as what. */
interface BlobUser {
  kind: Damage['kind'];
  id: string;
  part: string;
}

const AWAITED = 'gone since a repair, to be imported again';

export async function checkStore(store: StoreContext, options: CheckOptions = {}): Promise<CheckResult> {
  return new Checker(store, options).run();
}

class Checker {
  readonly #store: StoreContext;
  readonly #options: CheckOptions;
  readonly #damaged: Damage[] = [];
  readonly #objects = new Map<string, ObjectRecord>();
  /** By the name of the object: what lies in its place, or in that of a further copy, and is not what it should be. */
  readonly #damagedFiles = new Map<string, DamagedFile[]>();
  readonly #plans = new KeptPlans();
  #bytes = 0;

  constructor(store: StoreContext, options: CheckOptions) {
    this.#store = store;
    this.#options = options;
  }

  async run(): Promise<CheckResult> {
    const onlyTrees = this.#options.onlyTrees === true;
    const quick = this.#options.quick === true;
    return this.#store.uses.during(this.#options.signal, async () => {
      // Only now: what was listed before may have been removed while this waited.
      this.#store.index.refresh();
      const { images, trees } = this.#targets();
      const layers = onlyTrees ? [] : this.#layersOf(images);
      const all = this.#everything && !onlyTrees;
      if (all) this.#allObjects();
      for (const layer of layers) this.#objectsOf(layer);
      // What trees have names of, some layer has; so of everything no plan is needed for that.
      if (!all) for (const tree of trees) this.#objectsOfTree(tree);
      const { index, layout } = this.#store;
      const files = withControl(this.#options.signal, this.#counter(), async (control) => {
        const look = { control, quick };
        if (!onlyTrees) await this.#checkBlobs(look, images, layers);
        await this.#checkObjects(look);
        for (const tree of trees) await this.#checkTree(look, tree);
        await this.#checkManifests(look, trees);
      });
      // While the workers hash, this thread looks at the index.
      const rows = this.#everything ? checkRows(index, layout.index, this.#options.signal) : undefined;
      await eachOf([files, rows], 2, async (part) => part);
      const damaged = this.#withoutRemoved(trees);
      const checked = { layers: layers.length, objects: this.#objects.size, trees: trees.length, bytes: this.#bytes };
      return { checked, damaged, ok: damaged.length === 0 };
    });
  }

  /** Objects stay while someone relies on them, trees do not: one that is removed while it is looked at is not damaged. */
  #withoutRemoved(trees: readonly TreeRecord[]): Damage[] {
    const removed = new Set(trees.filter((tree) => !this.#isStill(tree)).map(({ id }) => id));
    return this.#damaged.filter(({ kind, id }) => kind !== 'tree' || !removed.has(id));
  }

  #isStill({ id, renderedAt }: TreeRecord): boolean {
    this.#store.index.refresh();
    return this.#store.index.trees.get(id)?.renderedAt === renderedAt;
  }

  get #everything(): boolean {
    return this.#options.images === undefined && this.#options.trees === undefined;
  }

  #targets(): { images: ImageRecord[]; trees: TreeRecord[] } {
    const { index } = this.#store;
    const { images, trees } = this.#options;
    const all = this.#everything;
    const named = all ? [...allImages(index)] : (images ?? []).filter(({ key }) => index.image(key) !== undefined);
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
    if (this.#everything) return [...index.layers.getRange()].map(({ value }) => value);
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
    const sizes = objectSizesOf(this.#store, layer);
    if (sizes === undefined) return; // its table of contents is damaged, which the check of blobs names
    for (const name of sizes.keys()) this.#wantObject(name, layer.key);
  }

  #objectsOfTree(tree: TreeRecord): void {
    if (tree.mode !== 'link') return;
    const plan = this.#planOf(tree);
    this.#plans.keep(tree.id, plan);
    for (const entry of plan?.entries ?? []) if (entry.type === 'file') this.#wantObject(objectOf(entry), undefined);
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
    try {
      const plan = planOfTree(this.#store, tree);
      if (plan !== undefined && treeHashOf(plan) !== tree.hash)
        throw new CairnError('ERR_DAMAGED', 'its layers no longer give the tree it was');
      return plan;
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      this.#damaged.push({ kind: 'tree', id: tree.id, what: error.message });
      return undefined;
    }
  }

  /** Every blob once, for all that need it. */
  async #checkBlobs(look: Look, images: readonly ImageRecord[], layers: readonly LayerRecord[]): Promise<void> {
    const { index, layout } = this.#store;
    const needed = new Map<Key, BlobUser[]>();
    const need = (key: Key, kind: Damage['kind'], id: string, part: string): void => {
      needed.set(key, [...(needed.get(key) ?? []), { kind, id, part }]);
    };
    for (const image of images) for (const key of blobsOf(image)) need(key, 'manifest', image.key, partOf(image, key));
    for (const { key, toc, recipe } of layers) {
      need(toc.key, 'layer', key, 'table of contents');
      need(recipe.key, 'layer', key, 'recipe');
    }
    if (this.#everything) {
      for (const { key: bytes, value } of index.blobs.getRange()) {
        const key = keyOf(bytes);
        if (value.put || !needed.has(key)) need(key, 'blob', key, 'blob');
      }
    }
    const files = [...needed].map(([key, users]) => {
      const record = index.blobs.get(keyBytes(key));
      return { key, users, record, path: layout.blob(key), sha512: hexOf(key), size: record?.size ?? -1 };
    });
    const byPath = new Map(files.map((file) => [file.path, file]));
    const { bytes, findings } = await verifyBlobs(
      this.#store,
      files.map(({ path, sha512, size }) => ({ path, sha512, size })),
      look,
    );
    this.#bytes += bytes;
    for (const { id, what } of findings) {
      const { key, users, record } = byPath.get(id) as (typeof files)[number];
      const gone = record?.gone === true && what === 'missing';
      for (const { kind, id, part } of users) {
        this.#damaged.push({
          kind,
          id,
          key,
          what: `${part}: ${gone ? AWAITED : what}`,
          ...(gone ? { awaited: true } : {}),
        });
      }
    }
  }

  async #checkObjects(look: Look): Promise<void> {
    const { bytes, findings } = await verifyObjects(this.#store, this.#objects, look);
    this.#bytes += bytes;
    for (const { id, what } of findings) {
      const gone = this.#objects.get(id)?.gone === true && what === 'missing';
      this.#damaged.push({ kind: 'object', id, what: gone ? AWAITED : what, ...(gone ? { awaited: true } : {}) });
      const stat = statOrFault(this.#store.layout.object(id));
      if (typeof stat === 'string') continue;
      const name = id.replace(/\+\d+$/, '');
      this.#damagedFiles.set(name, [...(this.#damagedFiles.get(name) ?? []), { ino: stat.ino, dev: stat.dev, what }]);
    }
  }

  async #checkTree(look: Look, tree: TreeRecord): Promise<void> {
    const plan = this.#plans.take(tree.id, () => this.#planOf(tree));
    if (plan === undefined) return;
    try {
      await this.#compareTree(look, tree, plan);
    } catch (error) {
      if (this.#isStill(tree)) throw error;
    }
  }

  async #compareTree(look: Look, tree: TreeRecord, plan: Plan): Promise<void> {
    const { layout } = this.#store;
    const { bytes, findings } = await verifyTree(this.#store, tree, plan, look);
    this.#bytes += bytes;
    const root = layout.rootfs(tree.id);
    const linked = tree.mode === 'link' ? pathsOfDamaged(root, plan, this.#damagedFiles) : [];
    for (const { id, what } of [...findings, ...linked])
      this.#damaged.push({ kind: 'tree', id: tree.id, path: id === '' ? '.' : toText(id), what });
  }

  /** What lies beside the roots of trees. */
  async #checkManifests(look: Look, trees: readonly TreeRecord[]): Promise<void> {
    const { layout } = this.#store;
    const files = trees.flatMap(({ id, manifest }) =>
      manifest === undefined
        ? []
        : [{ id, path: layout.treeManifest(id), sha512: hexOf(manifest.key), size: manifest.size }],
    );
    const byPath = new Map(files.map(({ path, id }) => [path, id]));
    const { bytes, findings } = await verifyBlobs(this.#store, files, look);
    this.#bytes += bytes;
    for (const { id: path, what } of findings)
      this.#damaged.push({ kind: 'tree', id: byPath.get(path) as string, what: `manifest: ${what}` });
  }

  #counter(): ((bytes: number, items: number) => void) | undefined {
    const { onProgress } = this.#options;
    return onProgress && ((done) => onProgress({ what: 'checking', unit: 'bytes', done }));
  }
}

function partOf(image: ImageRecord, key: Key): string {
  if (key === image.manifest) return 'manifest';
  if (key === image.config) return 'config';
  return image.archives?.includes(key) === true ? 'kept archive' : 'document';
}
