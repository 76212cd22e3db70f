/** Checks whether layers, objects and trees are what the index says. Reads everything, changes nothing. */
import { setImmediate } from 'node:timers/promises';
import { objectSizesOf } from '../content/layer-objects.js';
import { type Look, type ObjectFindings, ObjectsLook, verifyBlobs } from '../content/verify-files.js';
import { toText } from '../core/bytes.js';
import { allOf } from '../core/concurrency.js';
import { defined } from '../core/defined.js';
import { CairnError, isCairnError } from '../core/errors.js';
import { hexOf, type Key } from '../core/key.js';
import { telling } from '../core/operation.js';
import { checkRows } from '../index/check-rows.js';
import type { LayerRecord, ObjectRecord, TreeRecord } from '../index/records.js';
import { fileNameOf } from '../objects/name.js';
import type { Plan } from '../plan/plan.js';
import { treeHashOf } from '../plan/tree-hash.js';
import { planOfTree } from '../resolve/plan-tree.js';
import type { StoreContext } from '../session/context.js';
import { type CheckOptions, isAmong, type Targets, targetsOf } from './check-scope.js';
import type { Damage } from './damage.js';
import { toImportAgain } from './fsck.js';
import { objectsInPlaces } from './in-places.js';
import { neededBlobs } from './needed-blobs.js';
import { damageOfPacks } from './packs.js';
import { PlanMemory } from './plan-memory.js';
import { checkPods } from './pods.js';
import { type DamagedFile, pathsOfDamaged, verifyTree } from './tree.js';

export interface CheckResult {
  checked: { layers: number; objects: number; trees: number; pods: number; bytes: number };
  damaged: Damage[];
  /** What is to be imported again, for what is awaited: names of images and keys of blobs. */
  reimport: string[];
  ok: boolean;
}

const AWAITED = 'gone since a repair, to be imported again';

export async function checkStore(store: StoreContext, options: CheckOptions = {}): Promise<CheckResult> {
  const { signal, quick = false } = options;
  const { objectBytes, blobBytes } = store.index.totals;
  // What a quick check, or one of a part of the store, reads is not known beforehand.
  const isWhole = options.quick !== true && options.images === undefined && options.trees === undefined;
  const total = isWhole && options.onlyTrees !== true ? { total: objectBytes + blobBytes } : {};
  const heard = { signal, onProgress: telling(options, { what: 'checking', unit: 'bytes', ...total }) };
  return store.uses.during(signal, () =>
    store.pool.during(heard, (work) => new Checker(store, options, { work, quick }).run()),
  );
}

class Checker {
  readonly #store: StoreContext;
  readonly #options: CheckOptions;
  readonly #look: Look;
  readonly #targets: Targets;
  readonly #damaged: Damage[] = [];
  readonly #objects: ObjectsLook;
  /** Object name → damaged files in its place, or in the places of its further copies. */
  readonly #damagedFiles = new Map<string, DamagedFile[]>();
  readonly #plans = new PlanMemory();
  #bytes = 0;

  constructor(store: StoreContext, options: CheckOptions, look: Look) {
    // The index is read anew: records may have been removed while this check waited for the store.
    store.index.refresh();
    this.#store = store;
    this.#options = options;
    this.#look = look;
    this.#targets = targetsOf(store, options);
    this.#objects = new ObjectsLook(store.objects, look);
  }

  async run(): Promise<CheckResult> {
    const { layers, trees, unlisted } = this.#targets;
    for (const id of unlisted) this.#damaged.push({ kind: 'layer', id, what: 'the index has no record of it' });
    await allOf([this.#checkBlobs(), this.#checkObjects()]);
    for (const tree of trees) await this.#checkTree(tree);
    await this.#checkFilesOfTrees();
    const pods = this.#isWhole ? await this.#checkPods() : 0;
    const damaged = this.#withoutRemoved();
    const isAwaited = damaged.some(({ awaited }) => awaited === true);
    const reimport = isAwaited ? toImportAgain(this.#store, isAmong(this.#targets)) : [];
    const objects = this.#objects.size;
    const checked = { layers: layers.length, objects, trees: trees.length, pods, bytes: this.#bytes };
    return { checked, damaged, reimport, ok: damaged.length === 0 };
  }

  get #isWhole(): boolean {
    return this.#targets.everything && this.#options.onlyTrees !== true;
  }

  /**
   * Objects stay while a check relies on them, but trees may be removed. A tree removed during the check is not
   * damaged.
   */
  #withoutRemoved(): Damage[] {
    const removed = new Set(this.#targets.trees.filter((tree) => !this.#isStill(tree)).map(({ id }) => id));
    return this.#damaged.filter(({ kind, id }) => kind !== 'tree' || !removed.has(id));
  }

  #isStill({ id, renderedAt }: TreeRecord): boolean {
    this.#store.index.refresh();
    return this.#store.index.trees.get(id)?.renderedAt === renderedAt;
  }

  /** This thread lists further objects while the workers look at the first ones. */
  async #checkObjects(): Promise<void> {
    const { trees } = this.#targets;
    const all = this.#isWhole;
    await this.#store.pool.warm('verify-objects');
    // There is nothing else to do while the threads start.
    if (all) this.#planAhead(trees.find(({ mode }) => mode === 'link'));
    try {
      const inPlaces = all ? objectsInPlaces(this.#store) : [];
      for (const [name, record] of inPlaces) this.#objects.add(name, record);
      await this.#listObjects(all);
      // The threads still hash.
      if (all) {
        this.#damaged.push(...damageOfPacks(this.#store, { objects: inPlaces, signal: this.#options.signal }));
        this.#planAhead(trees.find(({ mode }) => mode === 'mount'));
      }
    } catch (error) {
      // The error of the listing is thrown rather than one that follows from it.
      await this.#objects.finish().catch(() => {});
      throw error;
    }
    this.#tellOfObjects(await this.#objects.finish());
  }

  #planAhead(tree: TreeRecord | undefined): void {
    try {
      if (tree !== undefined) this.#plans.keep(tree.id, this.#planOf(tree));
    } catch {
      // The plan is made again after the check of the index, and the error reported then.
    }
  }

  /** @param all whether all layers are checked: their objects include all that trees link to */
  async #listObjects(all: boolean): Promise<void> {
    const { everything, layers, trees } = this.#targets;
    if (everything) await this.#checkIndex();
    for (const layer of layers) {
      this.#objectsOf(layer);
      // Workers that have finished get more.
      await setImmediate();
    }
    if (!all) for (const tree of trees) this.#objectsOfTree(tree);
  }

  /** Checks every row of the index. On the way all objects are listed, if layers are checked. */
  async #checkIndex(): Promise<void> {
    const { signal, onlyTrees } = this.#options;
    const { index, layout } = this.#store;
    const onObject = (name: string, record: ObjectRecord): void => {
      if (!this.#objects.has(name)) this.#objects.add(name, record);
    };
    // Those in packs have been listed before, in the order in which they lie.
    const areListed = this.#objects.size >= index.objects.size;
    await checkRows(index, layout.index, { signal, onObject: onlyTrees === true || areListed ? undefined : onObject });
  }

  #objectsOf(layer: LayerRecord): void {
    const sizes = objectSizesOf(this.#store, layer);
    if (sizes === undefined) return; // its table of contents is damaged, which the check of blobs names
    for (const name of sizes.keys()) this.#wantObject(name, layer.key);
  }

  #objectsOfTree(tree: TreeRecord): void {
    if (tree.mode !== 'link' && tree.image === undefined) return;
    const plan = this.#planOf(tree);
    this.#plans.keep(tree.id, plan);
    for (const entry of plan?.entries ?? [])
      if (entry.type === 'file') this.#wantObject(this.#store.objects.nameOf(entry), undefined);
  }

  #wantObject(name: string, layer: Key | undefined): void {
    if (this.#objects.has(name)) return;
    const record = this.#store.index.objects.get(name);
    if (record !== undefined) this.#objects.add(name, record);
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
      if (!isCairnError(error)) throw error;
      this.#damaged.push({ kind: 'tree', id: tree.id, what: error.message });
      return undefined;
    }
  }

  /** Checks every blob once, for all images and layers that need it. */
  async #checkBlobs(): Promise<void> {
    if (this.#options.onlyTrees === true) return;
    const { index, layout } = this.#store;
    const needed = neededBlobs(this.#store, this.#targets);
    const files = [...needed].map(([key, users]) => {
      const record = index.blobs.get(key);
      return { key, users, record, path: layout.blob(key), sha512: hexOf(key), size: record?.size ?? -1 };
    });
    const byPath = new Map(files.map((file) => [file.path, file]));
    const { bytes, findings } = await verifyBlobs(
      files.map(({ path, sha512, size }) => ({ path, sha512, size })),
      this.#look,
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

  #tellOfObjects({ bytes, findings }: ObjectFindings): void {
    this.#bytes += bytes;
    for (const { file, what, onlyMetadata } of findings) {
      const gone = file.copy === 0 && this.#objects.recordOf(file.name)?.gone === true && what === 'missing';
      const id = fileNameOf(file);
      const metadata = onlyMetadata || undefined;
      this.#damaged.push({
        kind: 'object',
        id,
        what: gone ? AWAITED : what,
        ...defined({ metadata, awaited: gone || undefined }),
      });
      const found = this.#store.objects.look(file);
      if (typeof found === 'string') continue;
      const known = this.#damagedFiles.get(file.name) ?? [];
      this.#damagedFiles.set(file.name, [
        ...known,
        { id, ino: found.ino, dev: found.dev, what, ...defined({ metadata }) },
      ]);
    }
  }

  async #checkTree(tree: TreeRecord): Promise<void> {
    const plan = this.#plans.take(tree.id, () => this.#planOf(tree));
    if (plan === undefined) return;
    try {
      await this.#compareTree(tree, plan);
    } catch (error) {
      if (this.#isStill(tree)) throw error;
    }
  }

  async #compareTree(tree: TreeRecord, plan: Plan): Promise<void> {
    const inodeOf = (name: string): bigint => this.#objects.inodeOf(name);
    const look = { tree, plan, inodeOf };
    const isMount = tree.mode === 'mount';
    // Of a tree that is only mounted its image and its objects are checked, and these all the same.
    const { bytes, findings } = isMount ? { bytes: 0, findings: [] } : await verifyTree(this.#store, look, this.#look);
    this.#bytes += bytes;
    const hasNone = tree.mode !== 'link' && !isMount;
    const linked = hasNone ? [] : pathsOfDamaged(this.#store, tree, plan, this.#damagedFiles);
    for (const { id, ...finding } of [...findings, ...linked])
      this.#damaged.push({ kind: 'tree', id: tree.id, path: id === '' ? '.' : toText(id), ...finding });
  }

  /** @returns how many pods were looked at */
  async #checkPods(): Promise<number> {
    const { pods, faults } = await checkPods(this.#store, this.#options.signal);
    for (const [id, what] of faults) this.#damaged.push({ kind: 'pod', id, what });
    return pods;
  }

  /** Checks manifests beside the roots of trees, and images that trees are mounted from. */
  async #checkFilesOfTrees(): Promise<void> {
    const { layout } = this.#store;
    const files = this.#targets.trees.flatMap(({ id, manifest, image }) => [
      ...(manifest === undefined ? [] : [{ id, part: 'manifest', path: layout.treeManifest(id), ...manifest }]),
      ...(image === undefined ? [] : [{ id, part: 'image', path: layout.treeImage(id), ...image }]),
    ]);
    const byPath = new Map(files.map((file) => [file.path, file]));
    const hashed = files.map(({ path, key, size }) => ({ path, sha512: hexOf(key), size }));
    const { bytes, findings } = await verifyBlobs(hashed, this.#look);
    this.#bytes += bytes;
    for (const { id: path, what } of findings) {
      const { id, part } = byPath.get(path) as (typeof files)[number];
      this.#damaged.push({ kind: 'tree', id, what: `${part}: ${what}` });
    }
  }
}
