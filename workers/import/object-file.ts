/**
 * Writing objects to staging, here or on a worker that does nothing else. Making many small files costs more than hashing them, so
 * a layer's scanner hands small ones over in parcels and goes on scanning.
 */
import * as fs from 'node:fs';
import { hasCode } from '../../engine/core/errors.js';
import type { Metadata } from '../../engine/core/metadata.js';
import { shardedPath } from '../../engine/disk/layout.js';
import { parseVariant } from '../../engine/objects/name.js';
import { finishFile } from '../files/metadata.js';
import type { StageObjectsTask } from '../tasks/import.js';
import type { Identity } from '../tasks/parts.js';
import { type RingWriter, readRing, SLOT_BYTES } from '../tasks/ring.js';

/** Larger ones are written where they are scanned: copying them into a parcel would cost what it saves. */
export const MAX_PARCELLED_BYTES = 64 * 1024;

const HASH_DIGITS = 128;
const NO_XATTRS: Metadata['xattrs'] = [];

/** Writes one object whose directory is there. @returns metadata that could not be set */
export function writeObjectFile(path: string, bytes: Buffer, meta: Metadata, identity: Identity): string[] {
  const fd = createOnce(path, meta.mode & 0o777);
  if (fd === undefined) return [];
  try {
    if (bytes.length > 0) writeAll(fd, bytes);
    return finishFile(fd, path, meta, identity);
  } finally {
    fs.closeSync(fd);
  }
}

/** Of layers that are staged together, the first to bring an object writes it. */
function createOnce(path: string, mode: number): number | undefined {
  try {
    return fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL, mode);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined;
    throw error;
  }
}

export function writeAll(fd: number, bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) at += fs.writeSync(fd, bytes, at, bytes.length - at);
}

/** Objects on their way to another worker: `<length of name><name><length of content><content>`, as many as a slot takes. */
export class ParcelWriter {
  readonly #ring: RingWriter;
  #parcel: Buffer | undefined;
  #length = 0;

  constructor(ring: RingWriter) {
    this.#ring = ring;
  }

  /** @param name of an object without extended attributes, so that it tells all of its metadata */
  add(name: string, bytes: Buffer): void {
    if (this.#length + 6 + name.length + bytes.length > SLOT_BYTES) this.#send();
    this.#parcel ??= this.#ring.room();
    let at = this.#parcel.writeUInt16LE(name.length, this.#length);
    at += this.#parcel.write(name, at, 'latin1');
    at = this.#parcel.writeUInt32LE(bytes.length, at);
    this.#length = at + bytes.copy(this.#parcel, at);
  }

  end(): void {
    this.#send();
    this.#ring.end();
  }

  #send(): void {
    if (this.#parcel === undefined) return;
    this.#ring.send(this.#length);
    this.#parcel = undefined;
    this.#length = 0;
  }
}

/** Writes every object that comes in parcels. @returns object name → metadata that could not be set */
export function stageObjects({ ring, staging, identity }: StageObjectsTask): Record<string, string[]> {
  const skipped: Record<string, string[]> = {};
  for (const parcel of readRing(ring)) {
    for (let at = 0; at < parcel.length; ) {
      const nameLength = parcel.readUInt16LE(at);
      const name = parcel.toString('latin1', at + 2, at + 2 + nameLength);
      at += 2 + nameLength;
      const size = parcel.readUInt32LE(at);
      at += 4 + size;
      const meta = { ...parseVariant(name.slice(HASH_DIGITS + 1)), xattrs: NO_XATTRS } as Metadata;
      const missing = writeObjectFile(shardedPath(staging, name), parcel.subarray(at - size, at), meta, identity);
      if (missing.length > 0) skipped[name] = missing;
    }
  }
  return skipped;
}
