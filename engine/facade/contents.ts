/** The part of the façade that gives content out, and takes bytes in that are no image. */
import { Readable, type Writable } from 'node:stream';
import type { RemovedBlob } from '../collect/index.js';
import type { GetOptions, PutResult } from '../content/index.js';
import { checkOptions, mustBe } from '../core/check-options.js';
import type { Key } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import type { Exported, ExportOptions } from '../export/index.js';
import type { FileRecord, ReadOptions, StatOptions } from '../inspect/index.js';
import { namesLedBy, resolveBlob } from '../resolve/argument.js';
import type { PathInImage } from '../resolve/path-in-image.js';
import type { CopiedOut, CopyOutOptions } from '../tree/index.js';
import { contextOf } from './opened.js';
import { COPY_OUT, EXPORT, GET, OPERATION, READ, STAT } from './option-kinds.js';
import { StoreOfTrees } from './trees.js';

export abstract class StoreOfContents extends StoreOfTrees {
  /**
   * Lists what a render would make, path by path in byte order, without rendering: all of it, or what is at and below a
   * path.
   * @throws CairnError `ERR_NOT_FOUND` for an image or a path that is not here, `ERR_DAMAGED`
   */
  async *files(argument: string, path?: PathInImage): AsyncGenerator<FileRecord> {
    const image = await this.resolve(argument);
    const { filesOf } = await import('../inspect/files.js');
    yield* filesOf(contextOf(this), image, path);
  }

  /**
   * The content of one file of an image, checked on the way: the stream fails before its end if the bytes are not the
   * file's. A part is as long as it should be, and its bytes are not checked. Destroy a stream that you leave early.
   * @param path leads to the file, through symlinks inside the tree
   * @param options bytes from `start` on, before `end`, counted from 0
   * @throws CairnError `ERR_NOT_FOUND` for a path that leads to no file; the stream fails with `ERR_DAMAGED`
   */
  async read(argument: string, path: PathInImage, options: ReadOptions = {}): Promise<Readable> {
    mustBe('path', path, 'path');
    checkOptions(options, READ);
    const image = await this.resolve(argument);
    const { readFileOf } = await import('../inspect/files.js');
    return Readable.from(readFileOf(contextOf(this), image, path, options), { objectMode: false });
  }

  /**
   * What a path of an image leads to, through symlinks inside its tree: its type, mode, owner, time and size, and the
   * `key` of a file's content.
   * @throws CairnError `ERR_NOT_FOUND`, also for a symlink that leads nowhere or in circles
   */
  async stat(argument: string, path: PathInImage, options: StatOptions = {}): Promise<FileRecord> {
    mustBe('path', path, 'path');
    checkOptions(options, STAT);
    const image = await this.resolve(argument);
    const { statOf } = await import('../inspect/files.js');
    return statOf(contextOf(this), image, path, options);
  }

  /**
   * What is directly in a directory of an image, in byte order of names; `path` is that of the whole tree.
   * @throws CairnError `ERR_NOT_FOUND` for a path that leads to no directory
   */
  async readDir(argument: string, path: PathInImage = '.'): Promise<FileRecord[]> {
    mustBe('path', path, 'path');
    const image = await this.resolve(argument);
    const { readDirOf } = await import('../inspect/files.js');
    return readDirOf(contextOf(this), image, path);
  }

  /**
   * The path that a path of an image leads to, without symlinks, `.` and `..`: no link leads out of the tree.
   * @returns without a leading slash, `.` for the root. Where it is no UTF-8, {@link stat} has its bytes
   * @throws CairnError `ERR_NOT_FOUND`
   */
  async resolvePath(argument: string, path: PathInImage): Promise<string> {
    return (await this.stat(argument, path)).path;
  }

  /** @deprecated now {@link read}, which gives a stream */
  async readFile(argument: string, path: string): Promise<Iterable<Buffer>> {
    mustBe('path', path, 'text');
    const image = await this.resolve(argument);
    const { readFileOf } = await import('../inspect/files.js');
    return readFileOf(contextOf(this), image, path);
  }

  /**
   * Copies a file or directory out of an image.
   * @param dest an existing directory to copy into, or the path to give
   * @returns how many files and bytes, and metadata that could not be set
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_EXISTS` unless `force`, `ERR_USAGE` for a destination in the store
   */
  async cp(argument: string, path: string, dest: string, options: CopyOutOptions = {}): Promise<CopiedOut> {
    mustBe('path', path, 'text');
    mustBe('dest', dest, 'text');
    checkOptions(options, COPY_OUT);
    const image = await this.resolve(argument);
    const { copyOut } = await import('../tree/copy-out.js');
    return copyOut(contextOf(this), image, { path, dest }, options);
  }

  /**
   * Writes an image: its exact bytes as they were imported, or its tree as one tar. A file appears
   * only when it is whole.
   * @param file a path, `-` for standard output, or a stream, which is ended
   * @returns `size` in bytes, `key` of the uncompressed tar, and whether these are the `original` bytes
   * @throws CairnError `ERR_EXISTS` unless `force`, `ERR_DAMAGED`, `ERR_NOT_FOUND`, `ERR_UNSUPPORTED`, `ERR_NO_SPACE`,
   *   `ERR_IO`, also when the stream fails
   */
  async export(argument: string, file: string | Writable, options: ExportOptions = {}): Promise<Exported> {
    mustBe('file', file, typeof file === 'string' ? 'text' : 'object');
    checkOptions(options, EXPORT);
    const image = await this.resolve(argument);
    const { exportImage } = await import('../export/export.js');
    return exportImage(contextOf(this), image, file, { ...options, names: namesLedBy(argument, image) });
  }

  /**
   * Takes any bytes in, as a blob that stays until it is removed.
   * @param source a path, `-` for standard input, or a stream
   * @returns the `key` of the bytes, their `size`, and whether they `existed`
   * @throws CairnError `ERR_IO`, `ERR_NO_SPACE`, `ERR_LIMIT`, `ERR_ABORTED`
   */
  async put(source: string | NodeJS.ReadableStream, options: OperationOptions = {}): Promise<PutResult> {
    mustBe('source', source, typeof source === 'string' ? 'text' : 'object');
    checkOptions(options, OPERATION);
    const { putBlob } = await import('../content/blobs.js');
    return putBlob(contextOf(this), source, options);
  }

  /** Blobs that were put by hand, in order of their keys, with their sizes in bytes. */
  async *blobs(): AsyncGenerator<{ key: Key; size: number }> {
    for (const { key, value } of contextOf(this).index.blobs.entries())
      if (value.put && value.gone !== true) yield { key, size: value.size };
  }

  /**
   * Removes blobs that were put by hand.
   * @param targets keys, or their beginnings
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, `ERR_KEY_SYNTAX`; none is removed then
   */
  async removeBlobs(targets: readonly string[]): Promise<RemovedBlob[]> {
    mustBe('targets', targets, 'texts');
    const { removeBlobs } = await import('../collect/remove-blobs.js');
    return removeBlobs(contextOf(this), targets);
  }

  /**
   * Gives the bytes of a blob.
   * @param argument its key, or the beginning of that
   * @param file a path, `-` for standard output, or a stream, which is ended
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_EXISTS` unless `force`, `ERR_DAMAGED` when the bytes are others
   */
  async get(argument: string, file: string | Writable, options: GetOptions = {}): Promise<{ key: Key; size: number }> {
    mustBe('key', argument, 'text');
    mustBe('file', file, typeof file === 'string' ? 'text' : 'object');
    checkOptions(options, GET);
    const { getBlob } = await import('../content/blobs.js');
    const key = resolveBlob(contextOf(this).index, argument);
    return { key, ...(await getBlob(contextOf(this), key, file, options)) };
  }
}
