/** Reads an object out of a pack, with the proof that the bytes are the right ones. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { CairnError, isCairnError } from '../../core/errors.js';
import { keyOfHex } from '../../core/key.js';
import { type ExpectedBytes, WHO_NEEDS_IT } from '../../disk/file-bytes.js';
import { isWritten } from '../../disk/file-ranges.js';

const CHUNK = 1 << 20;

/**
 * Whether a content lies there. A hole in it mostly means that it was given back; but some file systems, and some
 * programs that copy files, make holes of zeros. Then the hash decides.
 */
export function isContentThere(part: PackedPart, { size, sha512 }: { size: number; sha512: string }): boolean {
  const fd = part.descriptor();
  if (isWritten(fd, { offset: part.offset, length: size })) return true;
  return fs.fstatSync(fd).size >= part.offset + size && hasHash(part, { size, sha512 });
}

export function hasHash(part: PackedPart, { size, sha512 }: { size: number; sha512: string }): boolean {
  try {
    for (const _chunk of packedBytes(part, { size, sha512 }));
    return true;
  } catch (error) {
    if (isCairnError(error, 'ERR_DAMAGED')) return false;
    throw error;
  }
}

export interface PackedPart {
  /** Asked for before each read: files are closed and opened again meanwhile, and the other fields may change then. */
  descriptor: () => number;
  /** Of the pack, for errors. */
  path: string;
  /** Where the object begins. */
  offset: number;
}

/** @throws CairnError `ERR_DAMAGED` when the pack ends before the object does, or the object has another content */
export function* packedBytes(
  part: PackedPart,
  { size, sha512, parts = [[0, size]] }: Omit<ExpectedBytes, 'what'>,
): Generator<Buffer> {
  const hash = sha512 === undefined ? undefined : createHash('sha512');
  for (const [from, length] of parts) {
    for (let done = 0; done < length; ) {
      const room = Buffer.allocUnsafe(Math.min(CHUNK, length - done));
      const fd = part.descriptor();
      const taken = fs.readSync(fd, room, 0, room.length, part.offset + from + done);
      if (taken === 0) {
        const why = `a pack ends before an object in it does; ${WHO_NEEDS_IT}`;
        throw new CairnError('ERR_DAMAGED', why, { path: part.path });
      }
      const bytes = room.subarray(0, taken);
      hash?.update(bytes);
      done += taken;
      yield bytes;
    }
  }
  const found = hash?.digest('hex');
  if (sha512 === undefined || found === undefined || found === sha512) return;
  const details = { path: part.path, expected: keyOfHex(sha512), found: keyOfHex(found) };
  throw new CairnError('ERR_DAMAGED', `an object does not have its hash; ${WHO_NEEDS_IT}`, details);
}
