/**
 * Mends a store as far as it can be mended from itself. (Damaged pods leave the index, and their files are kept in
 * quarantine: they can be prepared again.) Objects with other metadata get theirs again, if their content
 * is right. Damaged files go to quarantine. Missing files are marked as
 * gone in the index, so that an import of the same archive restores them. Damaged trees are removed, to be rendered
 * anew. Strays are removed. Counts are counted anew.
 *
 * Everything is hashed first, while other operations go on. Then, alone:
 *   0. objects whose content is right get their metadata again,
 *   1. damaged trees leave the index, and are moved to trash then,
 *   2. damaged files move to quarantine, and the disk is synced,
 *   3. one transaction marks missing files as gone and sets all counts,
 *   4. tables of packs that are damaged are written anew,
 *   5. strays are deleted.
 * What a mounted tree needs is left as it is, and told.
 * Until 3 the index lists broken files, as it did before; after 2 they are missing instead of damaged. So a repair that
 * is killed leaves a store that another repair mends, and no import ever takes a damaged file for a sound one.
 */
import { join } from 'node:path';
import { deletePaths, discard } from '../content/delete.js';
import { dropTreeRecord } from '../content/drop-references.js';
import { runningPods } from '../content/pod-files.js';
import { verifyBlobs, verifyObjects } from '../content/verify-files.js';
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import { hexOf, type Key } from '../core/key.js';
import type { SkippedKind } from '../core/metadata.js';
import type { OperationOptions } from '../core/operation.js';
import { moveAside } from '../disk/durable.js';
import { Quarantine } from '../disk/quarantine.js';
import { noteEvent } from '../index/events.js';
import type { BlobRecord, ObjectRecord, TreeRecord } from '../index/records.js';
import { fileNameOf, parseFileName } from '../objects/name.js';
import { dependencyNodesAlong } from '../resolve/dependencies.js';
import { planOfTree } from '../resolve/plan-tree.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { checkStore } from './check.js';
import type { Damage } from './damage.js';
import { findInPacks } from './find-in-packs.js';
import { compareWithDisk, type FsckResult, type Mended } from './fsck.js';
import { MountedTrees } from './mounted-trees.js';
import { dropDamagedPods } from './pods.js';
import { type BlobState, type ObjectState, reconcileIndex } from './reconcile-index.js';
import { countExpected, type ExpectedCounts } from './recount.js';
import { type FileFaults, note, resetMetadata, unlock } from './reset-metadata.js';
import { mendTables } from './rewrite-tables.js';
import { removeStrays } from './strays.js';
import { suspectBlobs, suspectObjects } from './suspects.js';
import { type DamagedFile, pathsOfDamaged } from './tree.js';
import { missingPart } from './tree-parts.js';
import { unlockShards } from './unlock-shards.js';

/** Repairs what `check` and `fsck` find. @returns how the store is now, and what was done */
export async function repairStore(store: StoreContext, options: OperationOptions = {}): Promise<FsckResult> {
  mustWrite(store);
  const seen = new Map([...store.index.trees.entries()].map(({ value }) => [value.id, value.renderedAt]));
  unlockShards(store);
  const { damaged } = await checkStore(store, options);
  const trash: string[] = [];
  try {
    return await store.uses.alone(options.signal, () =>
      new Repair(store, options, { suspects: damaged, seen }, trash).run(),
    );
  } finally {
    await discard(store, trash);
  }
}

/** What a check found while other operations went on. Some of it may be gone or made anew since. */
interface Found {
  suspects: readonly Damage[];
  /** Tree that was checked → when it was rendered. */
  seen: ReadonlyMap<string, number>;
}

class Repair {
  readonly #store: StoreContext;
  readonly #options: OperationOptions;
  readonly #suspects: Found['suspects'];
  readonly #seen: Found['seen'];
  readonly #trash: string[];
  readonly #quarantine: Quarantine;
  readonly #mended: Mended[] = [];
  readonly #objects = new Map<string, ObjectState>();
  readonly #blobs = new Map<Key, BlobState>();
  readonly #faults: FileFaults = new Map();
  readonly #mounted: MountedTrees;
  #isMetadataSet = false;

  constructor(store: StoreContext, options: OperationOptions, { suspects, seen }: Found, trash: string[]) {
    this.#store = store;
    this.#options = options;
    this.#suspects = suspects;
    this.#seen = seen;
    this.#trash = trash;
    this.#quarantine = new Quarantine(store.layout);
    this.#mounted = new MountedTrees(store);
  }

  async run(): Promise<FsckResult> {
    const { disk, index } = this.#store;
    // Other operations may have committed while this repair waited for them.
    index.refresh();
    const expected = countExpected(this.#store, this.#options.signal);
    await this.#lookAgain(expected);
    await this.#dropTrees(this.#brokenTrees());
    for (const each of await dropDamagedPods(this.#store, this.#quarantine))
      this.#mended.push({ kind: 'pod', ...each });
    this.#moveObjects();
    this.#moveBlobs();
    if (this.#quarantine.taken.length > 0 || this.#isMetadataSet) await disk.sync();
    const settled = await index.commitRemoval(() => reconcileIndex(this.#store, this.#objects, this.#blobs));
    for (const each of [...settled, ...(await mendTables(this.#store))]) this.#mended.push(each);
    for (const path of removeStrays(this.#store, { ...this.#options, trash: this.#trash }))
      this.#mended.push({ kind: 'stray', id: path, what: 'not listed', action: 'removed' });
    const now = compareWithDisk(this.#store, this.#options);
    const missing = [...now.missing, ...this.#mounted.left];
    const ok = now.ok && missing.length === 0;
    return { ...now, missing, ok, repaired: this.#mended, quarantined: this.#quarantine.taken };
  }

  /** Hashes suspects once more, with files that are marked as gone, and files that are needed but not listed. */
  async #lookAgain(expected: ExpectedCounts): Promise<void> {
    const objects = suspectObjects(this.#store, this.#suspects, expected);
    const blobs = suspectBlobs(this.#store, this.#suspects, expected);
    for (const [name, { size, at }] of findInPacks(this.#store, objects, this.#options.signal)) {
      objects.delete(name);
      this.#objects.set(name, {
        size,
        copies: 0,
        sound: [0],
        fault: undefined,
        skipped: undefined,
        ...defined({ at }),
      });
    }
    const { layout } = this.#store;
    const byPath = new Map([...blobs].map(([key]) => [layout.blob(key), key]));
    const drifted = unlock(this.#store.objects, objects);
    await this.#store.pool.during({ signal: this.#options.signal }, async (work) => {
      const look = { work, quick: false };
      for (const { file, what, onlyMetadata } of (await verifyObjects(this.#store.objects, objects, look)).findings)
        note(onlyMetadata ? drifted : this.#faults, file, what);
      const files = [...blobs].map(([key, { size }]) => ({ path: layout.blob(key), sha512: hexOf(key), size }));
      const bad = new Map((await verifyBlobs(files, look)).findings.map(({ id, what }) => [id, what]));
      for (const [path, key] of byPath) {
        const { size } = blobs.get(key) as BlobRecord;
        this.#blobs.set(key, { size, fault: bad.get(path) });
      }
    });
    const skipped = this.#resetMetadata(drifted, objects);
    for (const [name, { size, copies }] of objects) {
      const faults = this.#faultsOf(name);
      const sound = [...Array(copies + 1).keys()].filter((copy) => !faults.has(copy));
      const first = [...faults].sort(([a], [b]) => a - b)[0];
      this.#objects.set(name, { size, copies, sound, fault: first?.[1], skipped: skipped.get(name) });
    }
  }

  /** @returns the metadata that could not be set, by object */
  #resetMetadata(drifted: FileFaults, objects: ReadonlyMap<string, ObjectRecord>): Map<string, SkippedKind[]> {
    for (const [name, faults] of this.#faults) for (const copy of faults.keys()) drifted.get(name)?.delete(copy);
    const { mended, skipped, unknown } = resetMetadata(this.#store, drifted, objects);
    this.#isMetadataSet = mended.length > 0;
    for (const each of mended) this.#mended.push(each);
    for (const { what, ...file } of unknown) note(this.#faults, file, what);
    return skipped;
  }

  /** Trees that differ from their plans, have damaged files, or cannot be judged. */
  #brokenTrees(): Map<string, string> {
    const { index, layout } = this.#store;
    const files = this.#damagedFiles();
    const told = new Map(this.#suspects.filter((each) => this.#isOfTree(each)).map(({ id, what }) => [id, what]));
    const broken = new Map<string, string>();
    const inUse = new Map(runningPods(this.#store).flatMap(({ id, apps }) => apps.map(({ treeId }) => [treeId, id])));
    for (const tree of index.trees.values()) {
      const known = this.#seen.get(tree.id) === tree.renderedAt;
      const what = (known ? told.get(tree.id) : undefined) ?? this.#faultOf(tree, known, files);
      const fault = what ?? missingPart(layout, tree);
      if (fault === undefined) continue;
      if (this.#mounted.has(tree.id)) this.#mounted.leave('tree', tree.id, fault);
      else if (what !== undefined && inUse.has(tree.id))
        this.#store.notice(`tree ${tree.id} is left as it is: pod ${inUse.get(tree.id)} runs on it`);
      else broken.set(tree.id, fault);
    }
    return broken;
  }

  /** What was wrong with an object that has its metadata again is wrong with no tree. */
  #isOfTree({ kind, object, metadata }: Damage): boolean {
    if (kind !== 'tree') return false;
    if (object === undefined || metadata !== true) return true;
    const { name, copy } = parseFileName(object);
    return this.#faultsOf(name).has(copy);
  }

  #faultOf(tree: TreeRecord, known: boolean, files: ReadonlyMap<string, DamagedFile[]>): string | undefined {
    if ((tree.mode !== 'link' && tree.mode !== 'mount') || files.size === 0) return undefined;
    if (known && dependencyNodesAlong(this.#store.index, tree.layers) !== undefined) return undefined;
    try {
      const plan = planOfTree(this.#store, tree);
      if (plan === undefined) return 'it may have damaged files, and an image that it was made of is gone';
      return pathsOfDamaged(this.#store, tree, plan, files)[0]?.what;
    } catch (error) {
      if (isCairnError(error, 'ERR_DAMAGED')) return error.message;
      throw error;
    }
  }

  #faultsOf(name: string): ReadonlyMap<number, string> {
    return this.#faults.get(name) ?? new Map();
  }

  #damagedFiles(): Map<string, DamagedFile[]> {
    const found = new Map<string, DamagedFile[]>();
    for (const [name, faults] of this.#faults) {
      const there = [...faults].flatMap(([copy, what]) => {
        const file = this.#store.objects.look({ name, copy });
        return typeof file === 'string' ? [] : [{ id: name, ino: file.ino, dev: file.dev, what }];
      });
      if (there.length > 0) found.set(name, there);
    }
    return found;
  }

  async #dropTrees(broken: ReadonlyMap<string, string>): Promise<void> {
    if (broken.size === 0) return;
    const { index, layout, objects, pool } = this.#store;
    // What is wrong with a file of a tree is wrong with the file that is kept for others, and nothing tells which. They
    // go first, or a tree that is made meanwhile would get them.
    await deletePaths(pool, [...objects.links()]);
    await index.commitRemoval(() => {
      for (const id of broken.keys()) {
        dropTreeRecord(this.#store, id);
        noteEvent(index, { event: 'removed', tree: id });
      }
    });
    const dir = this.#makeTrash();
    for (const [id, what] of broken) {
      moveAside(layout.tree(id), join(dir, id));
      this.#mended.push({ kind: 'tree', id, what, action: 'dropped' });
    }
  }

  /** Moves damaged files of objects to quarantine. Sound copies of an object take the places of damaged ones. */
  #moveObjects(): void {
    const { objects } = this.#store;
    for (const [name, state] of this.#objects) {
      const { sound } = state;
      if (sound.length === 0 && objects.has(name) && this.#mounted.needs(name)) {
        this.#mounted.leave('object', name, [...this.#faultsOf(name).values()].join(', '));
        this.#objects.delete(name);
        continue;
      }
      for (const [copy, what] of this.#faultsOf(name)) {
        const file = { name, copy };
        if (!objects.quarantine(file, this.#quarantine)) continue;
        if (copy === 0) this.#objects.set(name, { ...state, isQuarantined: true });
        this.#mended.push({ kind: 'object', id: fileNameOf(file), what, action: 'quarantined' });
      }
      objects.closeRanks(name, sound);
      if (sound.length > 0 && sound[0] !== 0) {
        this.#mended.push({ kind: 'object', id: name, what: 'a further copy was whole', action: 'found again' });
      }
    }
  }

  #moveBlobs(): void {
    for (const [id, { fault: what }] of this.#blobs) {
      if (what === undefined || !this.#quarantine.take(this.#store.layout.blob(id))) continue;
      this.#mended.push({ kind: 'blob', id, what, action: 'quarantined' });
    }
  }

  #makeTrash(): string {
    const dir = this.#store.staging.make();
    this.#trash.push(dir);
    return dir;
  }
}
