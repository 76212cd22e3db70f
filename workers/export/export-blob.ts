/** Copies a blob to another name, by reflink where the file system has them. The blob is hashed in any case. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { fileBytes } from '../../engine/disk/file-bytes.js';
import { checkCancelled, countBytes } from '../tasks/control.js';
import type { ExportBlobTask, ExportResult } from '../tasks/export.js';
import { writeOut } from './export.js';

const MODE = 0o644;

export async function exportBlob({ path, size, to, control }: ExportBlobTask): Promise<ExportResult> {
  const bytes = fileBytes(path, { size, what: 'a blob' });
  if (!isCloned(path, to)) return writeOut(bytes, { control, output: { path: to }, compress: 'none' });
  fs.chmodSync(to, MODE);
  const hash = createHash('sha512');
  for (const chunk of bytes) {
    checkCancelled(control);
    hash.update(chunk);
    countBytes(control, chunk.length);
  }
  return { sha512: hash.digest('hex'), size };
}

function isCloned(from: string, to: string): boolean {
  try {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    // If anything else is wrong, copying the bytes fails, too.
    return false;
  }
}
