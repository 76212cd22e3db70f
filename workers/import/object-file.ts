/**
 * Writes objects to staging, on the scanning worker or on one that does nothing else. Making many small files costs
 * more than hashing them. So the scanner of a layer hands small objects over in parcels, and goes on scanning.
 */
import * as fs from 'node:fs';
import { hasCode } from '../../engine/core/errors.js';
import type { Identity, Metadata, SkippedKind } from '../../engine/core/metadata.js';
import { finishFile } from '../../engine/disk/set-metadata.js';
import { writeAll } from '../../engine/disk/write-all.js';
import { homeAt } from '../../engine/objects/homes.js';
import type { WriteObjectsTask } from '../tasks/import.js';
import { type RingWriter, readRing, SLOT_BYTES } from '../tasks/ring.js';

/** Larger objects are written by the scanner itself: copying them into a parcel would cost what it saves. */
export const PARCELLED_BYTES = 64 * 1024;

const NO_XATTRS: Metadata['xattrs'] = [];

/** Writes one object. Its directory exists. @returns metadata that could not be set */
export function writeObjectFile(path: string, bytes: Buffer, meta: Metadata, identity: Identity): SkippedKind[] {
  const fd = createOnce(path, meta.mode & 0o777);
  if (fd === undefined) return [];
  try {
    if (bytes.length > 0) writeAll(fd, bytes);
    return finishFile(fd, path, meta, identity);
  } finally {
    fs.closeSync(fd);
  }
}

/** Of layers that are staged together, the first to bring an object writes it. @returns `undefined` for the others */
function createOnce(path: string, mode: number): number | undefined {
  try {
    return fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL, mode);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined;
    throw error;
  }
}

/** Mode, uid, gid, seconds, nanoseconds. */
const METADATA_BYTES = 2 + 4 + 4 + 8 + 4;

/**
 * Packs objects for another worker, as many as a slot takes:
 * `<length of name><name><metadata><length of content><content>`.
 */
export class ParcelWriter {
  readonly #ring: RingWriter;
  #parcel: Buffer | undefined;
  #length = 0;

  constructor(ring: RingWriter) {
    this.#ring = ring;
  }

  /** @param meta without extended attributes */
  add(name: string, bytes: Buffer, meta: Metadata): void {
    if (this.#length + 6 + name.length + METADATA_BYTES + bytes.length > SLOT_BYTES) this.#send();
    this.#parcel ??= this.#ring.room();
    const parcel = this.#parcel;
    let at = parcel.writeUInt16LE(name.length, this.#length);
    at += parcel.write(name, at, 'latin1');
    at = parcel.writeUInt16LE(meta.mode, at);
    at = parcel.writeUInt32LE(meta.uid, at);
    at = parcel.writeUInt32LE(meta.gid, at);
    at = parcel.writeDoubleLE(meta.sec, at);
    at = parcel.writeUInt32LE(meta.nsec, at);
    at = parcel.writeUInt32LE(bytes.length, at);
    this.#length = at + bytes.copy(parcel, at);
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
export function writeObjects({ ring, staging, objects, identity }: WriteObjectsTask): Record<string, SkippedKind[]> {
  const skipped: Record<string, SkippedKind[]> = {};
  const staged = homeAt(objects).stagingIn(staging, 'sharded');
  for (const parcel of readRing(ring)) {
    for (let at = 0; at < parcel.length; ) {
      const nameLength = parcel.readUInt16LE(at);
      const name = parcel.toString('latin1', at + 2, at + 2 + nameLength);
      at += 2 + nameLength;
      const meta = readMetadata(parcel, at);
      at += METADATA_BYTES;
      const size = parcel.readUInt32LE(at);
      at += 4 + size;
      const missing = writeObjectFile(staged.pathFor(name), parcel.subarray(at - size, at), meta, identity);
      if (missing.length > 0) skipped[name] = missing;
    }
  }
  return skipped;
}

function readMetadata(parcel: Buffer, at: number): Metadata {
  return {
    mode: parcel.readUInt16LE(at),
    uid: parcel.readUInt32LE(at + 2),
    gid: parcel.readUInt32LE(at + 6),
    sec: parcel.readDoubleLE(at + 10),
    nsec: parcel.readUInt32LE(at + 18),
    xattrs: NO_XATTRS,
  };
}
