/** Reads small documents whole, from files, pipes and standard input. */
import * as fs from 'node:fs';
import { CairnError, hasCode, toCairnError } from '../engine/core/errors.js';
import { STDIN } from '../engine/resolve/source-path.js';

/**
 * All bytes of a file or of standard input (`-`). Either may be a pipe, whose size nobody knows.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_LIMIT` for more bytes than `most`, `ERR_IO`
 */
export async function readInput(file: string, most: number): Promise<Uint8Array> {
  try {
    return await readStart(file === STDIN ? process.stdin : fs.createReadStream(file), file, most);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new CairnError('ERR_NOT_FOUND', `no such file: ${file}`, { path: file });
    throw toCairnError(error);
  }
}

async function readStart(stream: NodeJS.ReadableStream, file: string, most: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > most) throw new CairnError('ERR_LIMIT', `${file} has more than ${most} bytes`, { path: file });
    parts.push(part);
  }
  return Buffer.concat(parts);
}
