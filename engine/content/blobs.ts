/** Raw blobs: any bytes, kept under their own sha512. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Output } from '../../workers/tasks/export.js';
import { CairnError, naming, throwIfAborted, withPath } from '../core/errors.js';
import { hexOf, type Key, keyOfHex } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import { stagedNames } from '../disk/layout.js';
import { descriptorSink, newFileSink } from '../disk/output-stream.js';
import { retainBlob } from '../index/references.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { destinationOf, publish, withOutput } from '../session/destination.js';
import { discardStaged } from './delete.js';

const CHUNK = 1 << 20;

export interface PutResult {
  key: Key;
  size: number;
  existed: boolean;
}

export interface GetOptions extends OperationOptions {
  /** Replace a file that is there. */
  force?: boolean;
}

/** Stores bytes, which are durable when this resolves. @param source a path, or a stream */
export async function putBlob(
  store: StoreContext,
  source: string | NodeJS.ReadableStream,
  options: OperationOptions = {},
): Promise<PutResult> {
  mustWrite(store);
  if (typeof source === 'string' && !fs.existsSync(source))
    throw new CairnError('ERR_NOT_FOUND', `no such file: ${source}`, { path: source });
  const { layout, index, pool, disk, staging } = store;
  return store.uses.during(options.signal, async () => {
    const dir = staging.make();
    try {
      const staged = join(dir, 'blob');
      const { hash, size } = await copyHashed(source, { path: staged }, options);
      const key: Key = keyOfHex(hash);
      naming(stagedNames(dir), () => fs.writeFileSync(stagedNames(dir), hash, { mode: 0o600 }));
      const known = index.blobs.get(key);
      if (known?.put === true && known.gone !== true) return { key, size, existed: true };
      await disk.sync();
      try {
        await pool.ask('place', { moves: [[staged, layout.blob(key)]] });
        await disk.sync();
        return await index.commit(() => {
          const now = index.blobs.get(key);
          const existed = now?.put === true && now.gone !== true;
          if (!existed) retainBlob(index, key, size, true);
          return { key, size, existed };
        });
      } catch (error) {
        // The blob may be in its place already. The note in staging tells the next gc of it.
        staging.abandon(dir);
        throw error;
      }
    } finally {
      await discardStaged(store, dir);
    }
  });
}

/**
 * Writes a blob's bytes out, checking them on the way.
 * @param file a path, `-` for standard output, or a stream
 * @throws CairnError `ERR_DAMAGED` when the bytes no longer have their hash, and what {@link destinationOf} throws
 */
export async function getBlob(
  store: StoreContext,
  key: Key,
  file: string | Writable,
  options: GetOptions = {},
): Promise<{ size: number }> {
  const path = store.layout.blob(key);
  if (!fs.existsSync(path)) throw new CairnError('ERR_DAMAGED', `${key} is missing; put it again`, { path });
  const target = destinationOf(store, file, 'file', options.force === true);
  return withOutput(target, options.signal, async (output) => {
    try {
      const { hash, size } = await copyHashed(path, output, options);
      if (hash !== hexOf(key))
        throw new CairnError('ERR_DAMAGED', 'a blob does not have its hash', {
          path,
          expected: key,
          found: keyOfHex(hash),
        });
      if (target.kind === 'file') await publish(target);
      return { size };
    } finally {
      if (target.kind === 'file') fs.rmSync(target.scratch, { force: true });
    }
  });
}

async function copyHashed(
  source: string | NodeJS.ReadableStream,
  target: Output,
  { signal, onProgress }: OperationOptions,
): Promise<{ hash: string; size: number }> {
  const hash = createHash('sha512');
  let size = 0;
  async function* hashed(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      const bytes = Buffer.from(chunk as Buffer);
      hash.update(bytes);
      size += bytes.length;
      onProgress?.({ what: 'copying', unit: 'bytes', done: size });
      yield bytes;
    }
  }
  const from = typeof source === 'string' ? fs.createReadStream(source, { highWaterMark: CHUNK }) : source;
  const to =
    'path' in target
      ? newFileSink(target.path, 0o600)
      : descriptorSink(target.fd, () => throwIfAborted(signal), target.name);
  try {
    await pipeline(from, hashed, to, signal ? { signal } : {});
  } catch (error) {
    const at =
      (error as NodeJS.ErrnoException).syscall === 'read' ? source : 'path' in target ? target.path : undefined;
    throw typeof at === 'string' ? withPath(error, at) : error;
  }
  return { hash: hash.digest('hex'), size };
}
