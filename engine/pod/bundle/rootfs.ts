/** The root file system of a bundle: an overlay over the shared tree, or a copy of the tree. */
import * as fs from 'node:fs';
import { fromText } from '../../core/bytes.js';
import { defined } from '../../core/defined.js';
import { CairnError, isCairnError, toCairnError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/operation.js';
import { areNested } from '../../core/path.js';
import { copyDirectory, copyMetadata } from '../../disk/copy-directory.js';
import { overlayIn, rootfsIn } from '../../disk/layout.js';
import { type MountOption, mountFilesystem } from '../../disk/mount.js';
import { fileStat } from '../../disk/stat.js';
import { layerStackOf } from '../../resolve/layer-stack.js';
import type { StoreContext } from '../../session/context.js';
import { canReflink } from '../../session/modes.js';
import { mountWithChanges } from '../pod-tree.js';
import type { PreparedApp } from '../prepared.js';

export type RootfsKind = 'overlay' | 'copy' | 'reflink';

/** What an overlay is made of: whoever may mount it can. */
export interface Overlay {
  /** The shared tree, which is only read. */
  lower: string;
  /** What the app changes. */
  upper: string;
  work: string;
}

export interface Rootfs {
  path: string;
  kind: RootfsKind;
  /** Set for an overlay that is not mounted, since the user may not. */
  unmounted?: Overlay;
}

export interface RootfsRequest extends OperationOptions {
  app: PreparedApp;
  /** The bundle's directory. */
  dir: string;
  /** By default an overlay where this process can mount, else a copy, by reflink where the file system can. */
  kind?: RootfsKind | undefined;
  volatile?: boolean | undefined;
}

/** @throws CairnError `ERR_UNSUPPORTED` for a kind that this machine cannot make; as copying does */
export async function makeRootfs(store: StoreContext, request: RootfsRequest): Promise<Rootfs> {
  const { app, dir, kind, volatile = false } = request;
  const path = rootfsIn(dir);
  if (kind === 'overlay' || (kind === undefined && isRoot())) {
    const overlay = makeOverlay(app, dir);
    // Nobody else sees the mount of a user who is not root, so that whoever runs the bundle mounts it.
    if (!isRoot()) return { path, kind: 'overlay', unmounted: overlay };
    try {
      if (app.isMounted === true)
        await mountWithChanges(store, app, { dir, target: path, changes: { ...overlay, volatile } });
      else mountOverlay(overlay, path, volatile);
      return { path, kind: 'overlay' };
    } catch (error) {
      if (kind === 'overlay' || !isCairnError(error, 'ERR_UNSUPPORTED', 'ERR_IO')) throw error;
      store.notice(`no overlay can be mounted here, so the tree is copied: ${error.message}`);
      for (const each of [path, overlay.upper, overlay.work]) fs.rmSync(each, { recursive: true, force: true });
    }
  }
  const mode = kind ?? (canReflink(store, dir) ? 'reflink' : 'copy');
  if (mode === 'reflink' && !canReflink(store, dir)) {
    throw new CairnError('ERR_UNSUPPORTED', 'the file system has no reflinks here; use --rootfs copy', { path: dir });
  }
  await copyTree(store, request, mode as 'copy' | 'reflink');
  return { path, kind: mode };
}

const isRoot = (): boolean => process.geteuid?.() === 0;

function makeOverlay(app: PreparedApp, dir: string): Overlay {
  const { upper, work } = overlayIn(dir);
  for (const each of [rootfsIn(dir), upper, work]) fs.mkdirSync(each, { mode: 0o700 });
  // The root of an overlay is its upper directory: what that is like, the app's root is.
  const stat = fileStat(fromText(app.rootfs));
  if (stat !== undefined) copyMetadata(fromText(app.rootfs), fromText(upper), stat);
  return { lower: app.rootfs, upper, work };
}

/**
 * @param volatile nothing that is written there is flushed, not even where the app asks for it, nor by unmounting
 * @throws CairnError as mounting does
 */
function mountOverlay(overlay: Overlay, target: string, volatile: boolean): void {
  try {
    mountWith(overlay, target, volatile ? ['volatile'] : []);
  } catch (error) {
    // Linux can since 5.10.
    if (!volatile || !isCairnError(error, 'ERR_UNSUPPORTED', 'ERR_IO')) throw error;
    mountWith(overlay, target, []);
  }
}

function mountWith({ lower, upper, work }: Overlay, target: string, more: readonly MountOption[]): void {
  const opened: number[] = [];
  // Colons part the layers of an overlay, and commas its options.
  const plain = (path: string): string => {
    if (!/[\\:,]/.test(path)) return path;
    opened.push(fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY));
    return `/proc/self/fd/${opened.at(-1)}`;
  };
  try {
    const options: MountOption[] = [
      ['source', 'cairn'],
      ['lowerdir', plain(lower)],
      ['upperdir', plain(upper)],
      ['workdir', plain(work)],
      ...(isInUserNamespace() ? ['userxattr'] : []),
      ...more,
    ];
    mountFilesystem({ type: 'overlay', options, target });
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

/** Who is root only there may not keep notes in attributes that are root's. */
function isInUserNamespace(): boolean {
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(fs.readFileSync('/proc/self/uid_map', 'utf8'));
  } catch {
    return false;
  }
}

/**
 * The plan of the image makes the copy on all workers, if it is still the plan of the prepared tree. It is not once the
 * image depends on a newer image of a name: then the prepared tree itself is copied.
 */
async function copyTree(store: StoreContext, request: RootfsRequest, mode: 'copy' | 'reflink'): Promise<void> {
  const { app, dir, signal, onProgress } = request;
  const image = store.index.image(app.image);
  // What is made to be run at once lies in the store, and need not survive a power cut: no checkout makes that.
  const isInStore = areNested(dir, store.layout.dir);
  if (image !== undefined && !isInStore && isSameTree(store, request)) {
    const { checkoutImage } = await import('../../tree/checkout.js');
    await checkoutImage(store, image, rootfsIn(dir), { mode, rootfsOnly: true, ...defined({ signal, onProgress }) });
    return;
  }
  fs.mkdirSync(rootfsIn(dir), { mode: 0o700 });
  let done = 0;
  const onFile = (): void => onProgress?.({ what: 'copying', unit: 'items', done: ++done });
  try {
    const options = { signal, onFile, mustShare: mode === 'reflink' };
    await copyDirectory(fromText(app.rootfs), fromText(rootfsIn(dir)), options);
  } catch (error) {
    throw toCairnError(error, 'cannot copy the tree');
  }
}

function isSameTree(store: StoreContext, { app }: RootfsRequest): boolean {
  const image = store.index.image(app.image);
  try {
    return image !== undefined && layerStackOf(store, image).treeId === app.treeId;
  } catch (error) {
    if (isCairnError(error)) return false;
    throw error;
  }
}
