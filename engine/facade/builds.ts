/** The part of the façade that makes images by hand: builds in directories, and images of directories. */
import * as fs from 'node:fs';
import type {
  BeginOptions,
  Begun,
  ConvertOptions,
  Copied,
  CopyOptions,
  Edit,
  FromDirectoryOptions,
  RunInBuildOptions,
  WriteOptions,
  Written,
} from '../build/index.js';
import { checkOptions, mustBe } from '../core/check-options.js';
import { defined } from '../core/defined.js';
import { isCairnError } from '../core/errors.js';
import { findingOf } from '../core/finding.js';
import type { Imported, ImportRequest, OpenableSource } from '../import/index.js';
import type { ImageRecord } from '../index/records.js';
import { isSource } from '../resolve/source-path.js';
import { StoreOfBundles } from './bundles.js';
import { findImage } from './find-image.js';
import { contextOf, importFor, type OpenedStore } from './opened.js';
import { BEGIN, CONVERT, COPY, FROM_DIRECTORY, RUN_IN_BUILD, WRITE } from './option-kinds.js';

export abstract class StoreOfBuilds extends StoreOfBundles {
  /**
   * Makes a private, writable tree with a working manifest at `dir`, all or nothing.
   * @param dir is not there yet, or empty
   * @returns `path`, the root of the tree
   * @throws CairnError `ERR_EXISTS`, `ERR_USAGE`, and as {@link render} does
   */
  async beginBuild(dir: string, options: BeginOptions = {}): Promise<Begun> {
    mustBe('dir', dir, 'text');
    checkOptions(options, BEGIN);
    const { beginBuild } = await import('../build/begin.js');
    return beginBuild(contextOf(this), await beginningOf(this, options), dir, options);
  }

  /**
   * Edits the working manifest of a build, all edits or none.
   * @throws CairnError `ERR_BAD_MANIFEST`, `ERR_NOT_FOUND` for what is to be removed, `ERR_UNSUPPORTED` for what the
   *   format has no place for, `ERR_HELD` while another is at work on the build, `ERR_BAD_BUILD`
   */
  async editBuild(dir: string, edits: readonly Edit[]): Promise<void> {
    mustBe('dir', dir, 'text');
    for (const edit of edits) mustBe('edits', edit, 'object');
    const { editBuild } = await import('../build/edit.js');
    return editBuild(dir, edits, { limits: contextOf(this).limits });
  }

  /**
   * Copies files of the host into the tree of a build.
   * @param dest a path in the tree, whose symlinks lead nowhere out of it
   * @throws CairnError `ERR_EXISTS` for a directory that is there, `ERR_NOT_FOUND`, `ERR_IO`, `ERR_HELD`
   */
  async copyIntoBuild(
    dir: string,
    sources: readonly string[],
    dest: string,
    options: CopyOptions = {},
  ): Promise<Copied> {
    mustBe('sources', sources, 'texts');
    mustBe('dest', dest, 'text');
    checkOptions(options, COPY);
    const { copyIntoBuild } = await import('../build/copy.js');
    return copyIntoBuild(contextOf(this).pool, dir, { sources, dest }, options);
  }

  /**
   * Runs a command in the tree of a build, as root there, under an OCI runtime, with this process's output. The
   * dependencies of an ACI lie under the tree.
   * @returns the command's exit code; 128 and the number of a signal that killed it
   * @throws CairnError `ERR_RUNTIME`, `ERR_NOT_FOUND` for a dependency, `ERR_UNSUPPORTED`, `ERR_HELD`, `ERR_ABORTED`
   */
  async runInBuild(dir: string, args: readonly string[], options: RunInBuildOptions = {}): Promise<number> {
    mustBe('dir', dir, 'text');
    mustBe('args', args, 'texts');
    checkOptions(options, RUN_IN_BUILD);
    const { runInBuild } = await import('../build/run.js');
    const hold = async ({ key }: ImageRecord) => {
      const { treeId, path } = await this.render(key, { mode: 'link', ...defined({ signal: options.signal }) });
      const { id } = await this.lease(treeId, LEASE_MS, `build ${dir}`);
      return { rootfs: path, release: () => this.releaseLease(id) };
    };
    return runInBuild(contextOf(this), dir, { args, hold }, options);
  }

  /**
   * Makes an image of a build, in the store or in a file. The build stays as it is.
   * @returns the `key`, which is the same for the same tree and documents; `size` in bytes
   * @throws CairnError `ERR_USAGE`, `ERR_BAD_MANIFEST`, `ERR_BAD_BUILD`, `ERR_EXISTS`, `ERR_HELD`, …
   */
  async writeBuild(dir: string, options: WriteOptions = {}): Promise<Written> {
    mustBe('dir', dir, 'text');
    const { file, ...others } = options;
    if (file !== undefined) mustBe('file', file, typeof file === 'string' ? 'text' : 'object');
    checkOptions(others, WRITE);
    const { writeBuild } = await import('../build/write.js');
    return writeBuild(contextOf(this), importSourceFor(this), dir, options);
  }

  /** Deletes a build. What was written of it stays. @throws CairnError `ERR_NOT_FOUND`, `ERR_HELD` */
  async endBuild(dir: string): Promise<void> {
    mustBe('dir', dir, 'text');
    const { endBuild } = await import('../build/edit.js');
    return endBuild(contextOf(this).pool, dir);
  }

  /**
   * Imports a directory: a root file system, or an ACI that is unpacked.
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_IO` for a file that changes meanwhile or cannot be read, `ERR_USAGE`
   */
  async importDirectory(dir: string, options: FromDirectoryOptions = {}): Promise<Written> {
    mustBe('dir', dir, 'text');
    checkOptions(options, FROM_DIRECTORY);
    const { importDirectory } = await import('../build/from-directory.js');
    return importDirectory(contextOf(this), importSourceFor(this), dir, options);
  }

  /**
   * Makes an image of the other format that has the same tree.
   * @throws CairnError `ERR_USAGE` for an image that is of the format already, and as {@link render} does
   */
  async convert(argument: string, options: ConvertOptions = {}): Promise<Imported> {
    checkOptions(options, CONVERT);
    const image = await this.resolve(argument);
    const { convertImage } = await import('../build/convert.js');
    const importing = { source: importSourceFor(this), path: importPathFor(this) };
    return convertImage(contextOf(this), importing, image, options);
  }
}

/** Longer than any command takes; it is let go when the command has ended. */
const LEASE_MS = 7 * 24 * 3600 * 1000;

function importSourceFor(store: OpenedStore) {
  return async (source: OpenableSource, request: ImportRequest): Promise<Imported> =>
    (await importFor(store, [source], request))[0] as Imported;
}

function importPathFor(store: OpenedStore) {
  return async (path: string, request: ImportRequest): Promise<Imported> =>
    (await importFor(store, [path], request))[0] as Imported;
}

/** What a build begins with: an image, or a root file system, which becomes an image without a name first. */
async function beginningOf(store: StoreOfBuilds, { from, signal, onProgress, ...options }: BeginOptions) {
  if (from === undefined) return {};
  const running = defined({ signal, onProgress });
  if (isPlainDirectory(from)) {
    const { importRootfs } = await import('../build/from-directory.js');
    return { image: await importRootfs(contextOf(store), importSourceFor(store), from, running), isRootfs: true };
  }
  try {
    return {
      image: await findImage(store, from, { ...findingOf(options), pull: options.pull ?? 'missing', ...running }),
    };
  } catch (error) {
    // As acbuild does: what is a tar and no image is one of a root file system.
    if (!isCairnError(error, 'ERR_NOT_AN_IMAGE') || !fs.existsSync(from)) throw error;
    contextOf(store).notice(`${from} is no image: the build begins with a tar of a root file system`);
    const { key } = await importPathFor(store)(from, { ...running, layer: true, leaveNames: true });
    return { image: contextOf(store).index.image(key) as ImageRecord, isRootfs: true };
  }
}

function isPlainDirectory(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true && !isSource(path);
}
