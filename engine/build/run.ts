/**
 * Runs a command in a working tree. An ACI's dependencies are there, too: the tree lies over theirs, as it does where
 * the image is rendered, and what the command changes goes to the tree.
 */
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { discard } from '../content/delete.js';
import { type ByteString, fromText, toFsPath, toText } from '../core/bytes.js';
import { CairnError, isCairnError } from '../core/errors.js';
import { entriesIn } from '../disk/list-directory.js';
import { mountFilesystem, unmount } from '../disk/mount.js';
import { mountsBelow } from '../disk/mounts.js';
import { listXattrs, removeXattr } from '../disk/xattrs.js';
import { appEnvironment, imageEnvironment } from '../image/runtime/environment.js';
import type { ImageRecord } from '../index/records.js';
import { runInTree, type TreeRunOptions } from '../pod/run/run-in-tree.js';
import { findDependency } from '../resolve/dependencies.js';
import { readableImages } from '../resolve/readable-images.js';
import type { StoreContext } from '../session/context.js';
import { checkConfig, checkManifest, readWorking, type WorkingImage } from './documents.js';
import { type EditOptions, noteCommand } from './edit.js';
import { type BuildPlace, placeOfBuild } from './place.js';
import { readState, withBuildLock } from './state.js';

export interface RunInBuildOptions extends TreeRunOptions, Pick<EditOptions, 'command'> {
  /** In the tree; by default what the manifest says, else the root. */
  workingDirectory?: string;
}

/** A tree that stays for as long as it is held. */
export interface HeldTree {
  rootfs: string;
  release: () => Promise<unknown>;
}

/** @param hold renders an image, and keeps its tree */
export interface RunInBuild {
  args: readonly string[];
  hold: (image: ImageRecord) => Promise<HeldTree>;
}

/**
 * @returns the command's exit code
 * @throws CairnError `ERR_RUNTIME`, `ERR_HELD`, `ERR_NOT_FOUND` for a dependency, `ERR_UNSUPPORTED` for dependencies
 *   where no overlay can be mounted, `ERR_USAGE` for no command, `ERR_ABORTED`
 */
export async function runInBuild(
  store: StoreContext,
  dir: string,
  { args, hold }: RunInBuild,
  { workingDirectory, command, ...options }: RunInBuildOptions = {},
): Promise<number> {
  if (args.length === 0) throw new CairnError('ERR_USAGE', 'say what to run');
  const place = placeOfBuild(resolve(dir));
  return withBuildLock(place, async (lock) => {
    const working = readWorking(place, readState(place).format, store.limits);
    const says = whatRuns(store, working);
    await clear(store, place);
    fs.mkdirSync(place.run, { mode: 0o700 });
    const held: HeldTree[] = [];
    try {
      for (const image of dependenciesOf(store, working)) held.push(await hold(image));
      const root = held.length === 0 ? place.rootfs : mountOver(place, held);
      const scratch = join(place.run, 'container');
      fs.mkdirSync(scratch, { mode: 0o700 });
      const cwd = workingDirectory ?? says.cwd;
      const request = { ...says, root, scratch, args, cwd, title: 'build', lock: lock.fd };
      const exitCode = await runInTree(request, options);
      if (held.length > 0) {
        unmount(root);
        tellDeleted(store, place);
      }
      noteCommand(place, command);
      return exitCode;
    } finally {
      await clear(store, place);
      for (const each of held) await each.release();
    }
  });
}

function whatRuns({ limits }: StoreContext, working: WorkingImage): { cwd: string; env: string[] } {
  if (working.format === 'oci') {
    const { config } = checkConfig(working.config, limits);
    return { cwd: config.workingDir || '/', env: imageEnvironment('build', config.env) };
  }
  const { app } = checkManifest(working.manifest, limits);
  return { cwd: app?.workingDirectory ?? '/', env: appEnvironment('build', app?.environment ?? []) };
}

function dependenciesOf(store: StoreContext, working: WorkingImage): ImageRecord[] {
  if (working.format === 'oci') return [];
  const { name, dependencies } = checkManifest(working.manifest, store.limits);
  const images = readableImages(store);
  return dependencies.map((dependency) => findDependency(images, { name }, dependency));
}

/** The last dependency comes first, and the working tree before all of them. @returns the root of it all */
function mountOver({ run, rootfs }: BuildPlace, held: readonly HeldTree[]): string {
  const [target, work] = [join(run, 'rootfs'), join(run, 'work')];
  for (const dir of [target, work]) fs.mkdirSync(dir, { mode: 0o700 });
  const opened: number[] = [];
  // Colons part the layers of an overlay, and commas its options.
  const plain = (path: string): string => {
    opened.push(fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY));
    return `/proc/self/fd/${opened.at(-1)}`;
  };
  try {
    const lower = held.map((each) => plain(each.rootfs)).reverse();
    mountFilesystem({
      type: 'overlay',
      options: [
        ['source', 'cairn'],
        ['lowerdir', lower.join(':')],
        ['upperdir', plain(rootfs)],
        ['workdir', plain(work)],
      ],
      target,
    });
  } catch (error) {
    if (!isCairnError(error, 'ERR_IO')) throw error;
    const why = `an ACI's dependencies cannot be laid under its tree here, which takes root and overlays: ${error.message}`;
    throw new CairnError('ERR_UNSUPPORTED', why, { cause: error });
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
  return target;
}

/** What a run has left, of this process or of one that was killed. */
async function clear(store: StoreContext, { run }: BuildPlace): Promise<void> {
  for (const point of mountsBelow(run).reverse()) unmount(point, { lazy: true });
  if (fs.existsSync(run)) await discard(store, [run]);
}

/** So many paths are told by name. */
const TOLD = 10;

/**
 * A deleted file of a dependency is a mark in the tree, and so is a directory that was made anew in the place of one.
 * No image has such marks: what they hide comes back.
 */
function tellDeleted({ notice }: StoreContext, { rootfs }: BuildPlace): void {
  const top = fromText(rootfs);
  const marks = marksIn(top);
  for (const { path, isDirectory } of marks) {
    if (isDirectory) removeXattr(path, OPAQUE);
    else fs.unlinkSync(toFsPath(path));
  }
  const shown = marks.slice(0, TOLD).map(({ path }) => toText(path.slice(top.length)));
  const more = marks.length > TOLD ? ` and ${marks.length - TOLD} more` : '';
  if (marks.length > 0) notice(`files of dependencies cannot be deleted, and stay: ${shown.join(', ')}${more}`);
}

interface Mark {
  path: ByteString;
  /** One that hides what lies below it. */
  isDirectory: boolean;
}

/** The attribute by which an overlay knows a directory that hides those below it. */
const OPAQUE = fromText('trusted.overlay.opaque');

function marksIn(dir: ByteString): Mark[] {
  return entriesIn(dir).flatMap(({ name }): Mark[] => {
    const path = `${dir}/${name}`;
    const stat = fs.lstatSync(toFsPath(path), { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) {
      const isOpaque = listXattrs(path)?.get(OPAQUE)?.toString('latin1') === 'y';
      return [...(isOpaque ? [{ path, isDirectory: true }] : []), ...marksIn(path)];
    }
    return stat?.isCharacterDevice() === true && stat.rdev === 0 ? [{ path, isDirectory: false }] : [];
  });
}
