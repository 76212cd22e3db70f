/** Finds an import's source: its path, the reference that picks one of several images, and the kind of the archive. */
import * as fs from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import { throwIfAborted } from '../../core/errors.js';
import type { Limits } from '../../core/limits.js';
import { readStream } from '../../disk/input-stream.js';
import { openRegular } from '../../disk/regular-file.js';
import { identifyBytes } from '../../layer/compression.js';
import { FirstMember } from '../../layer/tar/first-member.js';
import { BLOCK } from '../../layer/tar/header.js';
import { isLayout, STDIN, splitReference } from '../../resolve/source-path.js';
import type { StoreContext } from '../../session/context.js';
import { identifyFile } from './identify.js';
import { isUnpacked } from './unpacked.js';

/** Enough for the first header of an archive, with all that may come before it. */
const HEAD_BYTES = 16 * 1024;
/** Bzip2 decodes nothing before a block of up to 900 kB is complete. */
const BZIP2_HEAD_BYTES = 2 ** 20;
/** Mostly gives more than one header. */
const GZIP_HEAD_BYTES = 2048;
const CUT_OFF = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 ** 20 };

export type Located =
  | { kind: 'directory'; path: string; reference: string | undefined }
  | { kind: 'file'; path: string; size: number; reference: string | undefined }
  | { kind: 'stream' };

/**
 * Reads `PATH[:REFERENCE]`. The path is all of it if that exists, else its longest beginning that exists.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_NOT_AN_IMAGE`
 */
export function locateSource(source: string): Located {
  if (source === STDIN) return { kind: 'stream' };
  const { path, reference } = splitReference(source);
  if (isLayout(path) || isUnpacked(path)) return { kind: 'directory', path, reference };
  return { kind: 'file', path, size: identifyFile(path).size, reference };
}

/** The first bytes of a file, or all of a shorter one. */
export async function headOf(path: string): Promise<Buffer> {
  const { fd, size } = openRegular(path);
  try {
    return await readHead((room, at) =>
      fs.readSync(fd, room, { position: at, length: Math.max(0, Math.min(room.length, size - at)) }),
    );
  } finally {
    fs.closeSync(fd);
  }
}

/** The first bytes of standard input, which cannot be read a second time. @throws CairnError `ERR_ABORTED` */
export function headOfStream(signal: AbortSignal | undefined): Promise<Buffer> {
  return readHead((room) => readStream(0, room, () => throwIfAborted(signal)));
}

async function readHead(read: (room: Buffer, at: number) => number | Promise<number>): Promise<Buffer> {
  const head = Buffer.allocUnsafe(BZIP2_HEAD_BYTES);
  let length = 0;
  let wanted = HEAD_BYTES;
  while (length < wanted) {
    const taken = await read(head.subarray(length, wanted), length);
    if (taken === 0) break;
    length += taken;
    if (head.toString('latin1', 0, 3) === 'BZh') wanted = BZIP2_HEAD_BYTES;
  }
  // A copy: the worker would get the whole buffer otherwise.
  return Buffer.from(head.subarray(0, length));
}

/** Whether an archive's first member is one that only an ACI has. What others are shows when all members are listed. */
export async function beginsAsAci(store: StoreContext, head: Buffer): Promise<boolean> {
  const first = firstMember(head, store.limits) ?? (await askForFirst(store, head));
  // An archive that begins with nothing known is taken for an ACI, whose rules say what is wrong.
  return ['', 'manifest', 'rootfs'].includes(first.split('/')[0] as string);
}

/** The first bytes of a plain or gzipped archive, as most are, suffice. This is faster than asking a worker. */
function firstMember(head: Buffer, limits: Limits): string | undefined {
  const first = new FirstMember(limits);
  try {
    const compression = identifyBytes(head.subarray(0, BLOCK), '');
    if (compression === 'none') first.push(head);
    if (compression === 'gzip') first.push(gunzipSync(head.subarray(0, GZIP_HEAD_BYTES), CUT_OFF));
  } catch {
    // Reading the whole archive says what is really wrong.
  }
  return first.name === '' ? undefined : first.name;
}

function askForFirst({ pool, limits }: StoreContext, head: Buffer): Promise<string> {
  return pool.ask('peek', { head, limits });
}
