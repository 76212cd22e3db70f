/** Checks whether layers, objects and trees are what the index says. Reads everything, changes nothing. */
import { setImmediate } from 'node:timers/promises';
import type { Finding } from '../../workers/tasks/verify.js';
import { packedObjectsOf } from '../content/layer-objects.js';
import { type Look, type NamedObject, type ObjectFindings, ObjectsLook } from '../content/verify-files.js';
import { toText } from '../core/bytes.js';
import { allOf } from '../core/concurrency.js';
import { defined } from '../core/defined.js';
import { CairnError, isCairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { telling } from '../core/operation.js';
import { checkRows } from '../index/check-rows.js';
import type { LayerRecord, ObjectRecord, TreeRecord } from '../index/records.js';
import { fileNameOf } from '../objects/name.js';
import type { Plan } from '../plan/plan.js';
import { treeHashOf } from '../plan/tree-hash.js';
import { planOfTree } from '../resolve/plan-tree.js';
import type { StoreContext } from '../session/context.js';
import { type BlobsDamage, damageOfBlobs, damageOfTreeFiles } from './check-blobs.js';
import { type CheckOptions, isAmong, type Targets, targetsOf } from './check-scope.js';
import { AWAITED, type Damage } from './damage.js';
import { toImportAgain } from './fsck.js';
import { byPlace } from './in-places.js';
import { damageOfPacks } from './packs.js';
import { PlanMemory } from './plan-memory.js';
import { checkPods } from './pods.js';
import { TocMemory } from './toc-memory.js';
import { type DamagedFile, pathsOfDamaged, verifyTree } from './tree.js';

export interface CheckResult {
  checked: { layers: number; objects: number; trees: number; pods: number; bytes: number };
  damaged: Damage[];
  /** What is to be imported again, for what is awaited: names of images and keys of blobs. */
  reimport: string[];
  ok: boolean;
}

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
  readonly #tocs: TocMemory;
  #bytes = 0;

  constructor(store: StoreContext, options: CheckOptions, look: Look) {
    // The index is read anew: records may have been removed while this check waited for the store.
    store.index.refresh();
    this.#store = store;
    this.#options = options;
    this.#look = look;
    this.#targets = targetsOf(store, options);
    this.#objects = new ObjectsLook(store.objects, look);
    this.#tocs = new TocMemory(store);
  }

  async run(): Promise<CheckResult> {
    const { layers, trees, unlisted } = this.#targets;
    for (const id of unlisted) this.#damaged.push({ kind: 'layer', id, what: 'the index has no record of it' });
    const blobs = this.#options.onlyTrees === true ? undefined : damageOfBlobs(this.#store, this.#targets, this.#look);
    await allOf([this.#take(blobs), this.#checkObjects()]);
    for (const tree of trees) await this.#checkTree(tree);
    await this.#take(damageOfTreeFiles(this.#store, this.#targets, this.#look));
    const pods = this.#isWhole ? await this.#checkPods() : 0;
    const damaged = this.#withoutRemoved();
    const isAwaited = damaged.some(({ awaited }) => awaited === true);
    const reimport = isAwaited ? toImportAgain(this.#store, isAmong(this.#targets)) : [];
    const objects = this.#objects.size;
    const checked = { layers: layers.length, objects, trees: trees.length, pods, bytes: this.#bytes };
    return { checked, damaged, reimport, ok: damaged.length === 0 };
  }

  async #take(found: Promise<BlobsDamage> | undefined): Promise<void> {
    const { bytes, damaged } = (await found) ?? { bytes: 0, damaged: [] };
    this.#bytes += bytes;
    this.#damaged.push(...damaged);
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
      const listed = await this.#listObjects(all);
      // The threads still hash.
      if (all) this.#damaged.push(...damageOfPacks(this.#store, { objects: listed, signal: this.#options.signal }));
    } catch (error) {
      // The error of the listing is thrown rather than one that follows from it.
      await this.#objects.finish().catch(() => {});
      throw error;
    }
    this.#tocs.clear();
    this.#tellOfObjects(await this.#objects.finish());
  }

  #planAhead(tree: TreeRecord | undefined): void {
    try {
      if (tree !== undefined) this.#plans.keep(tree.id, this.#planOf(tree));
    } catch {
      // The plan is made again after the check of the index, and the error reported then.
    }
  }

  /**
   * @param all whether all layers are checked: their objects include all that trees link to
   * @returns all objects that the index lists, where it was checked for objects that lie in packs
   */
  async #listObjects(all: boolean): Promise<NamedObject[]> {
    const { everything, layers, trees } = this.#targets;
    const listed = everything ? await this.#checkIndex() : [];
    for (const layer of layers) {
      this.#objectsOf(layer);
      // Workers that have finished get more.
      await setImmediate();
    }
    if (!all) for (const tree of trees) this.#objectsOfTree(tree);
    return listed;
  }

  /** Checks every row of the index. On the way all objects are listed, if layers are checked. */
  async #checkIndex(): Promise<NamedObject[]> {
    const { signal, onlyTrees } = this.#options;
    const { index, layout, objects } = this.#store;
    const listed: NamedObject[] = [];
    const inPacks = objects.at.packs !== undefined;
    const onObject = (name: string, record: ObjectRecord): void => {
      if (inPacks) listed.push([name, record]);
      else this.#objects.add(name, record);
    };
    await checkRows(index, layout.index, { signal, onObject: onlyTrees === true ? undefined : onObject });
    // Each pack is then read once, from beginning to end.
    this.#objects.addAll(listed.sort(byPlace), this.#store.pool.size);
    return listed;
  }

  /** A table of contents that is damaged is named by the check of blobs. */
  #objectsOf(layer: LayerRecord): void {
    const missing = new Set<string>();
    for (const name of this.#namesOf(layer)) {
      if (!this.#objects.has(name) && !missing.has(name) && !this.#wantObject(name, layer.key)) missing.add(name);
    }
  }

  #namesOf(layer: LayerRecord): string[] {
    const { objects } = this.#store;
    if (objects.at.packs !== undefined) return packedObjectsOf(this.#store, layer) ?? [];
    const files = (this.#tocs.get(layer.key) ?? []).filter(({ type }) => type === 'file');
    return files.map((file) => objects.nameOf(file));
  }

  #objectsOfTree(tree: TreeRecord): void {
    if (tree.mode !== 'link' && tree.image === undefined) return;
    const plan = this.#planOf(tree);
    this.#plans.keep(tree.id, plan);
    for (const entry of plan?.entries ?? [])
      if (entry.type === 'file') this.#wantObject(this.#store.objects.nameOf(entry), undefined);
  }

  /** @returns whether the index has a record of the object, which is checked then */
  #wantObject(name: string, layer: Key | undefined): boolean {
    if (this.#objects.has(name)) return true;
    const record = this.#store.index.objects.get(name);
    if (record === undefined) {
      const what = `the index has no record of it${layer ? `, but ${layer} needs it` : ''}`;
      this.#damaged.push({ kind: 'object', id: name, what });
    } else this.#objects.add(name, record);
    return record !== undefined;
  }

  #planOf(tree: TreeRecord): Plan | undefined {
    try {
      const plan = planOfTree(this.#store, tree, (layer) => this.#tocs.read(layer));
      if (plan !== undefined && treeHashOf(plan) !== tree.hash)
        throw new CairnError('ERR_DAMAGED', 'its layers no longer give the tree it was');
      return plan;
    } catch (error) {
      if (!isCairnError(error)) throw error;
      this.#damaged.push({ kind: 'tree', id: tree.id, what: error.message });
      return undefined;
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

  /** Of a tree that is only mounted its image and its objects are checked, and these all the same. */
  async #checkTree(tree: TreeRecord): Promise<void> {
    if (tree.mode === 'mount' && this.#damagedFiles.size === 0) return;
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
    if (tree.mode !== 'mount') {
      const { bytes, findings } = await verifyTree(this.#store, { tree, plan, inodeOf }, this.#look);
      this.#bytes += bytes;
      this.#tellOfPaths(tree, findings);
    }
    if (tree.mode === 'link' || tree.mode === 'mount')
      this.#tellOfPaths(tree, pathsOfDamaged(this.#store, tree, plan, this.#damagedFiles));
  }

  #tellOfPaths({ id: tree }: TreeRecord, findings: Iterable<Finding>): void {
    for (const { id, ...finding } of findings)
      this.#damaged.push({ kind: 'tree', id: tree, path: id === '' ? '.' : toText(id), ...finding });
  }

  /** @returns how many pods were looked at */
  async #checkPods(): Promise<number> {
    const { pods, faults } = await checkPods(this.#store, this.#options.signal);
    for (const [id, what] of faults) this.#damaged.push({ kind: 'pod', id, what });
    return pods;
  }
}
