/** Reads regular files, and refuses everything else. */
import * as fs from 'node:fs';
import { CairnError, hasCode, toCairnError } from '../core/errors.js';

/**
 * Opens a regular file for reading. Never waits, even if a device, or a pipe to which nobody writes, has taken the
 * file's place since the caller looked. Callers must not read beyond the size: files of procfs have none, and no end.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_NOT_AN_IMAGE`
 */
export function openRegular(path: string): { fd: number; size: number } {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw toCairnError(error);
    throw new CairnError('ERR_NOT_FOUND', `no such file: ${path}`, { path, cause: error });
  }
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isDirectory()) {
      throw new CairnError(
        'ERR_NOT_AN_IMAGE',
        `${path} is a directory; "cairn import --recursive" takes every image in it, and "cairn import --layer" a tar of it`,
        {
          path,
        },
      );
    }
    if (!stat.isFile())
      throw new CairnError('ERR_NOT_AN_IMAGE', `${path} is not a regular file; pipe it in with "-"`, { path });
    return { fd, size: stat.size };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** Up to `length` bytes of a regular file, fewer at its end. @throws CairnError as {@link openRegular} does */
export function readRegular(path: string, length: number, position = 0): Buffer {
  const { fd, size } = openRegular(path);
  try {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - position)));
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, position));
  } finally {
    fs.closeSync(fd);
  }
}
