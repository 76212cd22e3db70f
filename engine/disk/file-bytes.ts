/** Reads files of the store: as an open file, or in chunks with the proof that they are the right bytes. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { type ByteString, toFsPath } from '../core/bytes.js';
import { asDamage } from '../core/damage.js';
import { CairnError } from '../core/errors.js';
import { keyOfHex } from '../core/key.js';

const CHUNK = 1 << 20;
/** Advice in an error about a damaged file. */
export const WHO_NEEDS_IT = '"cairn fsck --repair" tells which images need it';

export interface ExpectedBytes {
  size: number;
  /** Hash in hex, proved by the last chunk; absent where the taker of the bytes checks more than this file. */
  sha512?: string | undefined;
  /** Parts to read, as position and length; all by default. They go without `sha512`, which all bytes have. */
  parts?: readonly (readonly [offset: number, length: number])[] | undefined;
  /** For errors: `an object`. */
  what: string;
  /** Memory that each chunk comes in, for who needs none of it any more when the next comes; by default fresh. */
  room?: Buffer | undefined;
}

/**
 * A file's bytes in chunks.
 * @throws CairnError `ERR_DAMAGED` when the file is missing, of another length, or of another content
 */
export function* fileBytes(
  path: string,
  { size, sha512, parts = [[0, size]], what, room }: ExpectedBytes,
): Generator<Buffer> {
  const hash = sha512 === undefined ? undefined : createHash('sha512');
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch (cause) {
    throw asDamage(cause, what, path, WHO_NEEDS_IT);
  }
  try {
    let isCut = false;
    for (const [offset, length] of parts) {
      let left = length;
      while (left > 0 && !isCut) {
        const buffer = room?.subarray(0, left) ?? Buffer.allocUnsafe(Math.min(left, CHUNK));
        const taken = fs.readSync(fd, buffer, 0, buffer.length, offset + length - left);
        isCut = taken === 0;
        left -= taken;
        hash?.update(buffer.subarray(0, taken));
        if (taken > 0) yield buffer.subarray(0, taken);
      }
    }
    if (isCut || fs.fstatSync(fd).size !== size) {
      throw new CairnError('ERR_DAMAGED', `${what} does not have the size that the index says`, { path });
    }
    const found = hash?.digest('hex');
    if (sha512 !== undefined && found !== undefined && found !== sha512) {
      const details = { path, expected: keyOfHex(sha512), found: keyOfHex(found) };
      throw new CairnError('ERR_DAMAGED', `${what} does not have its hash; ${WHO_NEEDS_IT}`, details);
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Opens a file and hands it on. Neither follows a symlink nor waits for a fifo. */
export function openForReading<T>(path: ByteString, look: (fd: number) => T): T {
  const flags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
  const fd = fs.openSync(toFsPath(path), flags);
  try {
    return look(fd);
  } finally {
    fs.closeSync(fd);
  }
}
