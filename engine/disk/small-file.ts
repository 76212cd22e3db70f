/** Reads small files whole: keys, policies, configuration. */
import * as fs from 'node:fs';
import { CairnError, hasCode, naming, toCairnError } from '../core/errors.js';

/**
 * All bytes of a small regular file. Never waits, even if a device or a pipe lies in its place.
 * @param own a file of ours, where nobody has a reason to put a symlink
 * @returns undefined if there is none
 * @throws CairnError `ERR_CONFIG` for what is no regular file, `ERR_LIMIT` for more bytes than `most`, `ERR_IO`
 */
export function readSmallFile(path: string, most: number, own = false): Buffer | undefined {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | (own ? O_NOFOLLOW : 0));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw toCairnError(error);
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new CairnError('ERR_CONFIG', `${path} is not a regular file`, { path });
    if (stat.size > most)
      throw new CairnError('ERR_LIMIT', `${path} has ${stat.size} bytes, more than ${most}`, { path });
    const bytes = Buffer.alloc(stat.size);
    return bytes.subarray(
      0,
      naming(path, () => fs.readSync(fd, bytes, 0, bytes.length, 0)),
    );
  } catch (error) {
    throw toCairnError(error);
  } finally {
    fs.closeSync(fd);
  }
}
