/** What a source is, told from its first bytes and never from its name. */
import * as fs from 'node:fs';
import type { Compression } from '../../workers/tasks/parts.js';
import { CairnError, toCairnError } from '../core/errors.js';
import { BLOCK, checksumFits, isZeroBlock } from '../layer/tar/header.js';

export interface Identified {
  compression: Compression;
  /** Bytes. */
  size: number;
}

const MAGICS: readonly { name: Compression; bytes: Buffer }[] = [
  { name: 'gzip', bytes: Buffer.from([0x1f, 0x8b]) },
  { name: 'bzip2', bytes: Buffer.from('BZh', 'latin1') },
  { name: 'xz', bytes: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) },
  { name: 'zstd', bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
];

/**
 * Opens a regular file for reading. What came to its place since somebody looked cannot keep the caller waiting: a pipe to which nobody
 * writes would, and so would a device. Nothing beyond the size is to be read: files of procfs have none, and no end.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_NOT_AN_IMAGE`
 */
export function openRegular(path: string): { fd: number; size: number } {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw toCairnError(error);
    throw new CairnError('ERR_NOT_FOUND', `no such file: ${path}`, { path, cause: error });
  }
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isDirectory()) {
      throw new CairnError('ERR_NOT_AN_IMAGE', `${path} is a directory; --recursive imports every image in it`, {
        path,
      });
    }
    if (!stat.isFile())
      throw new CairnError('ERR_NOT_AN_IMAGE', `${path} is not a regular file; pipe it in with "-"`, { path });
    return { fd, size: stat.size };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** Up to so many bytes of a regular file, fewer at its end. @throws CairnError as {@link openRegular} does */
export function readRegular(path: string, length: number, position = 0): Buffer {
  const { fd, size } = openRegular(path);
  try {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - position)));
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, position));
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Looks at a file without moving any reader's position.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_NOT_AN_IMAGE` (a directory, text, or nothing known)
 */
export function identifyFile(path: string): Identified {
  const { fd, size } = openRegular(path);
  try {
    const head = Buffer.alloc(Math.min(BLOCK, size));
    const length = fs.readSync(fd, head, 0, head.length, 0);
    return { compression: identifyBytes(head.subarray(0, length), path), size };
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * @param head the first 512 bytes, or all there are
 * @throws CairnError `ERR_NOT_AN_IMAGE`
 */
export function identifyBytes(head: Buffer, path: string): Compression {
  const magic = MAGICS.find(({ bytes }) => head.subarray(0, bytes.length).equals(bytes));
  if (magic !== undefined) return magic.name;
  if (head.length === BLOCK && (checksumFits(head, 0) || isZeroBlock(head, 0))) return 'none';
  if (head.length === 0) throw new CairnError('ERR_NOT_AN_IMAGE', `${path} is empty`, { path });
  const what = looksLikeText(head) ? 'text, not an image' : 'not an image: neither a tar archive nor a compressed one';
  throw new CairnError('ERR_NOT_AN_IMAGE', `${path} is ${what}`, { path });
}

function looksLikeText(head: Buffer): boolean {
  return head.every((byte) => byte >= 0x20 || (byte >= 0x07 && byte <= 0x0d) || byte === 0x1b);
}
