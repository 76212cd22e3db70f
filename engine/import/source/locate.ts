/** Finds an import's source: its path, the reference that picks one of several images, and the kind of the archive. */
import * as fs from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import { throwIfAborted } from '../../core/errors.js';
import type { Limits } from '../../core/limits.js';
import { readStream } from '../../disk/input-stream.js';
import { identifyBytes } from '../../layer/compression.js';
import { FirstMember } from '../../layer/tar/first-member.js';
import { BLOCK } from '../../layer/tar/header.js';
import { isLayout, STDIN, splitReference } from '../../resolve/source-path.js';
import type { StoreContext } from '../../session/context.js';
import { headBytes, lookAtFile, type SourceFile } from './identify.js';
import { isUnpacked } from './unpacked.js';

/** Mostly gives more than one header. */
const GZIP_HEAD_BYTES = 2048;
const CUT_OFF = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 ** 20 };

export type Located =
  | { kind: 'directory'; path: string; reference: string | undefined }
  | ({ kind: 'file'; path: string; reference: string | undefined } & SourceFile)
  | { kind: 'stream' };

/**
 * Reads `PATH[:REFERENCE]`. The path is all of it if that exists, else its longest beginning that exists.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_NOT_AN_IMAGE`
 */
export async function locateSource(source: string): Promise<Located> {
  if (source === STDIN) return { kind: 'stream' };
  const { path, reference } = splitReference(source);
  const isDirectory = fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isDirectory && (isLayout(path) || isUnpacked(path))) return { kind: 'directory', path, reference };
  return { kind: 'file', path, reference, ...(await lookAtFile(path)) };
}

/** The first bytes of standard input, which cannot be read a second time. @throws CairnError `ERR_ABORTED` */
export async function headOfStream(signal: AbortSignal | undefined): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < headBytes(head)) {
    const room = Buffer.allocUnsafe(headBytes(head) - head.length);
    const taken = await readStream(0, room, () => throwIfAborted(signal));
    if (taken === 0) break;
    head = Buffer.concat([head, room.subarray(0, taken)]);
  }
  return head;
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
