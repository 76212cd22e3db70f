/** The part of the façade that gives content out, and takes bytes in that are no image. */
import { Readable, type Writable } from 'node:stream';
import type { RemovedBlob } from '../collect/index.js';
import type { GetOptions, PutResult } from '../content/index.js';
import { checkOptions, mustBe } from '../core/check-options.js';
import type { Key } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import type { Exported, ExportOptions } from '../export/index.js';
import type { FileRecord, ReadOptions } from '../inspect/index.js';
import { namesLedBy, resolveBlob } from '../resolve/argument.js';
import type { CopiedOut, CopyOutOptions } from '../tree/index.js';
import { contextOf } from './opened.js';
import { COPY_OUT, EXPORT, GET, OPERATION, READ } from './option-kinds.js';
import { StoreOfTrees } from './trees.js';

export abstract class StoreOfContents extends StoreOfTrees {
  /** Lists what a render would make, path by path, without rendering: all of it, or what is at and below a path. */
  async *files(argument: string, path?: string): AsyncGenerator<FileRecord> {
    const image = await this.resolve(argument);
    const { filesOf } = await import('../inspect/files.js');
    yield* filesOf(contextOf(this), image, path);
  }

  /**
   * The content of one file of an image, checked on the way: the stream fails before its end if the bytes are not the
   * file's.
   */
  async read(argument: string, path: string, options: ReadOptions = {}): Promise<Readable> {
    mustBe('path', path, 'text');
    checkOptions(options, READ);
    const image = await this.resolve(argument);
    const { readFileOf } = await import('../inspect/files.js');
    return Readable.from(readFileOf(contextOf(this), image, path, options), { objectMode: false });
  }

  /** What a path of an image leads to, through symlinks inside its tree. */
  async stat(argument: string, path: string): Promise<FileRecord> {
    mustBe('path', path, 'text');
    const image = await this.resolve(argument);
    const { statOf } = await import('../inspect/files.js');
    return statOf(contextOf(this), image, path);
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
   */
  async cp(argument: string, path: string, dest: string, options: CopyOutOptions = {}): Promise<CopiedOut> {
    mustBe('path', path, 'text');
    mustBe('dest', dest, 'text');
    checkOptions(options, COPY_OUT);
    const image = await this.resolve(argument);
    const { copyOut } = await import('../tree/copy-out.js');
    return copyOut(contextOf(this), image, { path, dest }, options);
  }

  /** @param file a path, `-` for standard output, or a stream, which is ended */
  async export(argument: string, file: string | Writable, options: ExportOptions = {}): Promise<Exported> {
    mustBe('file', file, typeof file === 'string' ? 'text' : 'object');
    checkOptions(options, EXPORT);
    const image = await this.resolve(argument);
    const { exportImage } = await import('../export/export.js');
    return exportImage(contextOf(this), image, file, { ...options, names: namesLedBy(argument, image) });
  }

  async put(source: string | NodeJS.ReadableStream, options: OperationOptions = {}): Promise<PutResult> {
    mustBe('source', source, typeof source === 'string' ? 'text' : 'object');
    checkOptions(options, OPERATION);
    const { putBlob } = await import('../content/blobs.js');
    return putBlob(contextOf(this), source, options);
  }

  /** Blobs that were put by hand, in order of their keys. */
  async *blobs(): AsyncGenerator<{ key: Key; size: number }> {
    for (const { key, value } of contextOf(this).index.blobs.entries())
      if (value.put && value.gone !== true) yield { key, size: value.size };
  }

  /** Removes blobs that were put by hand. @param targets keys, or their beginnings */
  async removeBlobs(targets: readonly string[]): Promise<RemovedBlob[]> {
    mustBe('targets', targets, 'texts');
    const { removeBlobs } = await import('../collect/remove-blobs.js');
    return removeBlobs(contextOf(this), targets);
  }

  /** @param file a path, `-` for standard output, or a stream, which is ended */
  async get(argument: string, file: string | Writable, options: GetOptions = {}): Promise<{ key: Key; size: number }> {
    mustBe('key', argument, 'text');
    mustBe('file', file, typeof file === 'string' ? 'text' : 'object');
    checkOptions(options, GET);
    const { getBlob } = await import('../content/blobs.js');
    const key = resolveBlob(contextOf(this).index, argument);
    return { key, ...(await getBlob(contextOf(this), key, file, options)) };
  }
}
