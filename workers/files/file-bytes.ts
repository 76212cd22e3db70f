/** A file's bytes in chunks, with the proof that they are the right ones. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { asDamage } from '../../engine/core/damage.js';
import { CairnError } from '../../engine/core/errors.js';

const CHUNK = 1 << 20;
/** What an error about a damaged file advises. */
export const WHO_NEEDS_IT = '"cairn fsck" tells which images need it';

/**
 * A file's bytes in chunks.
 * @param sha512 in hex, of which the last chunk is the proof; absent where whoever takes them looks at more than this file
 * @throws CairnError `ERR_DAMAGED` when it is missing, of another length, or of another content
 */
export function* fileBytes(path: string, size: number, sha512?: string, what = 'an object'): Generator<Buffer> {
  const hash = sha512 === undefined ? undefined : createHash('sha512');
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch (cause) {
    throw asDamage(cause, what, path, WHO_NEEDS_IT);
  }
  try {
    let left = size;
    while (left > 0) {
      const buffer = Buffer.allocUnsafe(Math.min(left, CHUNK));
      const taken = fs.readSync(fd, buffer, 0, buffer.length, null);
      if (taken === 0) break;
      left -= taken;
      hash?.update(buffer.subarray(0, taken));
      yield buffer.subarray(0, taken);
    }
    if (left > 0 || fs.fstatSync(fd).size !== size) {
      throw new CairnError('ERR_DAMAGED', `${what} does not have the size that the index says`, { path });
    }
    if (hash !== undefined && hash.digest('hex') !== sha512) {
      throw new CairnError('ERR_DAMAGED', `${what} does not have its hash; ${WHO_NEEDS_IT}`, { path });
    }
  } finally {
    fs.closeSync(fd);
  }
}
