/** Tells from a source's first bytes what it is. Its name is not asked. */
import * as fs from 'node:fs';
import type { Compression } from '../../../workers/tasks/parts.js';
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
