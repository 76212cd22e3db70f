/**
 * The places of all things in a store. Only this module builds paths.
 *
 * ```
 * <store>/
 *   cairn.json                       format version
 *   cairn.toml                       defaults of options, if somebody wrote any; for the command line only
 *   index/                           the LMDB environment; it says what exists
 *   index-1/                         a copy of the index from before the store came to format 2
 *   blobs/sha512/ab/<126 hex>        verbatim bytes
 *   objects/ab/<126 hex>.<variant>   one file's content, with its metadata
 *   trees/<tree id>/rootfs           a rendered tree; its image's manifest beside it
 *   pods/<uuid>/                     a prepared pod: its manifest, its record, and what it leaves when it is run
 *   trees/<tree id>/tree.erofs       a tree to be mounted: all of it but the contents of its files
 *   plans/<128 hex>                  a cache: the plan of the image with this key, if the image is large
 *   fetching/<64 hex>                what has come so far of a blob that is being fetched, by its sha256, or by that of
 *                                    the URL of an ACI
 *   fetching/<64 hex>.json           a cache: what is known of the URL that has this sha256
 *   staging/<session>/               what one open store is writing, with the lock that shows it is alive
 *   quarantine/                      files that were found damaged
 *   locks/                           one file for each lock, only while the lock is held
 * ```
 */
import { join } from 'node:path';
import { hexOf, type Key } from '../core/key.js';
import { shardedPath } from './shards.js';

export class Layout {
  readonly dir: string;
  readonly format: string;
  readonly settings: string;
  readonly index: string;
  readonly blobs: string;
  readonly objects: string;
  readonly packs: string;
  readonly trees: string;
  readonly pods: string;
  readonly plans: string;
  readonly fetching: string;
  readonly staging: string;
  readonly quarantine: string;
  readonly locks: string;

  constructor(dir: string) {
    this.dir = dir;
    this.format = join(dir, FORMAT);
    this.settings = join(dir, SETTINGS);
    this.index = join(dir, 'index');
    this.blobs = join(dir, 'blobs', 'sha512');
    this.objects = join(dir, 'objects');
    this.packs = join(dir, 'packs');
    this.trees = join(dir, 'trees');
    this.pods = join(dir, 'pods');
    this.plans = join(dir, 'plans');
    this.fetching = join(dir, 'fetching');
    this.staging = join(dir, 'staging');
    this.quarantine = join(dir, 'quarantine');
    this.locks = join(dir, 'locks');
  }

  /** Exists while a backup to this place is not finished. */
  get unfinished(): string {
    return join(this.dir, 'backup-unfinished');
  }

  /** A copy of the index as a store of this format had it, made before the store was migrated. */
  oldIndex(format: number): string {
    return join(this.dir, `index-${format}`);
  }

  /** All directories that every store has, parents first. */
  directories(): string[] {
    return [
      this.dir,
      this.index,
      join(this.dir, 'blobs'),
      this.blobs,
      this.objects,
      this.trees,
      this.pods,
      this.staging,
      this.quarantine,
      this.locks,
    ];
  }

  blob(key: Key): string {
    return shardedPath(this.blobs, hexOf(key));
  }

  tree(id: string): string {
    return join(this.trees, id);
  }

  rootfs(id: string): string {
    return rootfsIn(this.tree(id));
  }

  pod(id: string): string {
    return join(this.pods, id);
  }

  /** What is mounted when a tree is. */
  treeImage(id: string): string {
    return imageIn(this.tree(id));
  }

  plan(image: Key): string {
    return join(this.plans, hexOf(image));
  }

  /** The manifest of a tree's image, beside the tree's root. */
  treeManifest(id: string): string {
    return manifestIn(this.tree(id));
  }

  /** Held shared by operations that rely on objects, exclusively by operations that remove some. */
  get useLock(): string {
    return join(this.locks, 'use');
  }

  /** Held by whoever waits for the use lock alone and lets nobody else in meanwhile. */
  get useGate(): string {
    return join(this.locks, 'gate');
  }

  /** Held while a blob is fetched, and until the image that needs it is in. @param hex of its sha256 */
  fetchLock(hex: string): string {
    return join(this.locks, `fetch-${hex}`);
  }

  /** What is known of a URL. @param hex of its sha256 */
  urlNote(hex: string): string {
    return join(this.fetching, `${hex}.json`);
  }

  /** A pack. @param name of its file */
  pack(name: string): string {
    return join(this.packs, name);
  }

  /** Held while something is appended to a pack. */
  packLock(id: number): string {
    return join(this.locks, `pack-${id}`);
  }

  treeLock(id: string): string {
    return join(this.locks, `tree-${id}`);
  }

  /** Held by whoever runs a pod, and by those who keep watch over its apps. */
  podLock(id: string): string {
    return join(this.locks, `pod-${id}`);
  }
}

/** Where a store's trees are mounted, by their ids. @param run a directory of the running system, for this store */
export const mountedTree = (run: string, id: string): string => join(run, id);
/** There for a tree whose mount nobody asked for. */
export const passingMark = (run: string, id: string): string => join(run, '.passing', id);
/** Where a part of a tree's mount is while that is made, on kernels that need a place for it. */
export const mountedPart = (run: string, id: string): string => join(run, '.parts', id);

const FORMAT = 'cairn.json';
const SETTINGS = 'cairn.toml';
/**
 * A directory in which it is tried what a new store can do.
 * @param format the path of `cairn.json`
 * @param number of nobody else
 */
export const probeBeside = (format: string, number: number): string => `${format}.${number}.probe`;
/** Whether a name is that of `cairn.json` while it is written, or of what comes before. */
export const isUnfinishedFormat = (name: string): boolean => /^cairn\.json\.\d+\.(tmp|probe)$/.test(name);
/**
 * Whether a name may be found in a directory that is to become a store: `cairn.json`, also while another process is
 * about to write it, and settings, which people write beforehand.
 */
export const mayComeFirst = (name: string): boolean => name === FORMAT || isUnfinishedFormat(name) || name === SETTINGS;

/** LMDB's file that holds everything, and its table of readers. @param index the directory of the index */
export const indexData = (index: string): string => join(index, 'data.mdb');
export const indexReaders = (index: string): string => join(index, 'lock.mdb');

/** The lock that is held as long as the session's process lives. @param session the session's directory in staging */
export const sessionLock = (session: string): string => join(session, 'lock');
/** New objects in one import's staging directory. */
export const stagedObjects = (staging: string): string => join(staging, 'objects');
/** Directories of staging that hold content: the names inside are not ours. */
export const STAGED_CONTENT: ReadonlySet<string> = new Set(['objects', 'rootfs']);
export const stagedToc = (staging: string): string => join(staging, 'toc');
export const stagedRecipe = (staging: string): string => join(staging, 'recipe');
export const stagedArchive = (staging: string): string => join(staging, 'archive');
/** A directory beside an archive under way, with the OCI image layout that goes into the archive. */
export const layoutBeside = (scratch: string): string => `${scratch}.layout`;
/** Paths that a render uses beside its staging directory, since that directory moves as a whole. */
export const besideStaging = (staging: string): { plan: string; old: string; unwanted: string } => ({
  plan: `${staging}.plan`,
  old: `${staging}.old`,
  unwanted: `${staging}.unwanted`,
});
/** The inside of a tree's directory, rendered or checked out. */
export const rootfsIn = (dir: string): string => `${dir}/rootfs`;
export const imageIn = (dir: string): string => `${dir}/tree.erofs`;
export const manifestIn = (dir: string): string => `${dir}/manifest`;
/**
 * The inside of a runtime bundle. What the apps of a pod share lies beside their bundles, which are called as they are:
 * no app's name begins with a dot.
 */
export const bundleMark = (dir: string): string => `${dir}/.cairn-bundle`;
export const configIn = (bundle: string): string => `${bundle}/config.json`;
export const overlayIn = (bundle: string): { upper: string; work: string } => ({
  upper: `${bundle}/upper`,
  work: `${bundle}/work`,
});
export const ownVolumesIn = (bundle: string): string => `${bundle}/volumes`;
export const ownEtcIn = (bundle: string): string => `${bundle}/etc`;
export const podVolumesIn = (dir: string): string => `${dir}/.volumes`;
export const namespacesIn = (dir: string): string => `${dir}/.namespaces`;
/** A pod's record, as it was when the pod was prepared. @param pod the pod's directory */
export const podRecordIn = (pod: string): string => join(pod, 'record');
/** Made when a pod is run, for the case that the index is lost. @param pod the pod's directory */
export const podStartedIn = (pod: string): string => join(pod, 'started');
/** What there is of a pod while it is run: bundles, the runtime's state. @param pod the pod's directory */
export const podRunIn = (pod: string): string => join(pod, 'run');
/** The places in it. Containers are told apart by their numbers: names of apps can be longer than names of files. */
export const placesOfRun = (run: string) => ({
  /** Bundles of the apps. */
  bundles: join(run, 'bundle'),
  /** The bundle of the process that holds shared namespaces. */
  pause: join(run, 'pause'),
  /** What the runtime keeps. */
  state: join(run, 'state'),
  /** Which runtime runs which containers. */
  note: join(run, 'runtime.json'),
  pid: (container: string): string => join(run, `pid-${container}`),
  log: (container: string): string => join(run, `log-${container}`),
});
export type PlacesOfRun = ReturnType<typeof placesOfRun>;
export const stagedPlan = (staging: string): string => join(staging, 'plan');
export const stagedDocument = (staging: string, key: Key): string => join(staging, `document-${hexOf(key)}`);
/**
 * The note of objects and blobs about to be moved out of staging: names of objects and hashes of blobs, one a line. If
 * the commit never comes, a later gc finds the moved files by this note.
 */
export const stagedNames = (staging: string): string => join(staging, 'placing');
