/**
 * Runs a command in a working tree. An ACI's dependencies are there, too: the tree lies over theirs, as it does where
 * the image is rendered, and what the command changes goes to the tree.
 */
import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { discard } from '../content/delete.js';
import { CairnError } from '../core/errors.js';
import { appEnvironment, imageEnvironment } from '../image/runtime/environment.js';
import type { ImageRecord } from '../index/records.js';
import { runInTree, type TreeRunOptions } from '../pod/run/run-in-tree.js';
import { findDependency } from '../resolve/dependencies.js';
import { readableImages } from '../resolve/readable-images.js';
import type { StoreContext } from '../session/context.js';
import { checkConfig, checkManifest, readWorking, type WorkingImage } from './documents.js';
import { type EditOptions, noteCommand } from './edit.js';
import { withBuildLock } from './lock.js';
import { clearAfterRun, mountOver } from './overlay.js';
import { placeOfBuild } from './place.js';
import { readState } from './state.js';

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
    if (fs.existsSync(place.run)) await discard(store, [place.run]);
    fs.mkdirSync(place.run, { mode: 0o700 });
    const held: HeldTree[] = [];
    try {
      for (const image of dependenciesOf(store, working)) held.push(await hold(image));
      const trees = held.map(({ rootfs }) => rootfs);
      const root = held.length === 0 ? place.rootfs : mountOver(place, trees);
      fs.mkdirSync(place.scratch, { mode: 0o700 });
      const cwd = workingDirectory ?? says.cwd;
      const request = { ...says, root, scratch: place.scratch, args, cwd, title: 'build', lock: lock.fd };
      const exitCode = await runInTree(request, options);
      noteCommand(place, command);
      return exitCode;
    } finally {
      tellDeleted(store, clearAfterRun(place));
      await discard(store, [place.run]);
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

/** So many paths are told by name. */
const TOLD = 10;

function tellDeleted({ notice }: StoreContext, deleted: readonly string[]): void {
  const more = deleted.length > TOLD ? ` and ${deleted.length - TOLD} more` : '';
  const shown = deleted.slice(0, TOLD).join(', ');
  if (deleted.length > 0) notice(`files of dependencies cannot be deleted, and stay: ${shown}${more}`);
}
