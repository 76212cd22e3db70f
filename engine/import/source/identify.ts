/** Tells from a source's first bytes what it is. Its name is not asked. */
import * as fs from 'node:fs';
import type { Compression } from '../../../workers/tasks/parts.js';
import { xxhash } from '../../core/xxhash.js';
import { openRegular } from '../../disk/regular-file.js';
import { identifyBytes } from '../../layer/compression.js';
import { BLOCK } from '../../layer/tar/header.js';

export interface Identified {
  compression: Compression;
  /** Bytes. */
  size: number;
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

/** Bytes of both ends that a fingerprint is made of. */
const EDGE = 64 * 1024;
/** Enough for the first header of an archive, with all that may come before it. */
const HEAD_BYTES = 16 * 1024;
/** Bzip2 decodes nothing before a block of up to 900 kB is complete. */
const BZIP2_HEAD_BYTES = 2 ** 20;

export interface SourceFile {
  /** Bytes. */
  size: number;
  /** The first bytes, enough to find the first header of an archive in. */
  head: Buffer;
  /** Size and a quick hash of both ends: cheap, and enough to tell whether the whole file is worth hashing. */
  fingerprint: string;
}

/** How many first bytes tell what an archive begins with. @param head those that are known so far */
export function headBytes(head: Buffer): number {
  return head.toString('latin1', 0, 3) === 'BZh' ? BZIP2_HEAD_BYTES : HEAD_BYTES;
}

/** Both ends are read into the same memory for each file: fresh memory is expensive to touch. */
const edge = Buffer.alloc(EDGE);

/** Looks at both ends of an archive. @throws CairnError as {@link identifyFile} does */
export async function lookAtFile(path: string): Promise<SourceFile> {
  const { create64 } = await xxhash();
  const { fd, size } = openRegular(path);
  try {
    const read = (room: Buffer, at: number): Buffer =>
      room.subarray(0, fs.readSync(fd, room, 0, Math.max(0, Math.min(room.length, size - at)), at));
    const hasher = create64();
    const first = read(edge, 0);
    identifyBytes(first.subarray(0, BLOCK), path);
    hasher.update(first);
    const wanted = headBytes(first);
    const head = wanted > EDGE ? read(Buffer.alloc(wanted), 0) : Buffer.from(first.subarray(0, wanted));
    hasher.update(read(edge, Math.max(0, size - EDGE)));
    return { size, head, fingerprint: `${size}:${hasher.digest().toString(16)}` };
  } finally {
    fs.closeSync(fd);
  }
}
