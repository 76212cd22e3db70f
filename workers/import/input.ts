/** Reads a layer's source: its bytes are identified, decoded and counted as they stream by. */
import { createHash, type Hash } from 'node:crypto';
import * as fs from 'node:fs';
import { CairnError } from '../../engine/core/errors.js';
import { LENT_BYTES, Loan } from '../../engine/core/lent-memory.js';
import { FREE_OUTPUT, type Limits, limitFlag } from '../../engine/core/limits.js';
import { readStream } from '../../engine/disk/input-stream.js';
import { Buffers, readAhead } from '../../engine/disk/read-ahead.js';
import { openRegular } from '../../engine/disk/regular-file.js';
import { identifyBytes } from '../../engine/layer/compression.js';
import { BLOCK } from '../../engine/layer/tar/header.js';
import { decompressed } from '../compression/decompress.js';
import { treeBytes } from '../pack/tree-bytes.js';
import { checkCancelled, countBytes, countRead } from '../tasks/control.js';
import { type Growth, waitForGrowth } from '../tasks/growing.js';
import type { DigestTask, SourceResult } from '../tasks/import.js';
import type { Control, Source } from '../tasks/parts.js';
import { BlobFile, LinkedBlob } from './blob-file.js';

/** Large, since each chunk wakes another thread, which is expensive on a virtual machine (docs/performance.md). */
const CHUNK = LENT_BYTES;
interface Task {
  source: Source;
  control: Control;
  limits: Limits;
  /** A new file that keeps the bytes as they came. */
  keep?: string | undefined;
}

export interface Taker {
  take(chunk: Buffer): void;
  /** A buffer that may be filled with what is taken next. What was taken is the taker's until this is called again. */
  room?(): Buffer;
}

/**
 * Hands the uncompressed bytes of a source on, chunk by chunk. Those of a taker without room are its own only while it
 * takes them.
 * @throws CairnError `ERR_NOT_AN_IMAGE`, `ERR_UNSUPPORTED`, `ERR_BAD_COMPRESSION`, `ERR_LIMIT`, `ERR_ABORTED`
 */
export async function readSource(task: Task, taker: Taker): Promise<SourceResult> {
  const kept = task.keep === undefined ? undefined : keptAt(task.keep, task.source);
  const loan = new Loan();
  try {
    const read = await readThrough(task, { kept, loan }, taker);
    return { ...read, ...(kept === undefined ? {} : { kept: kept.finish() }) };
  } finally {
    loan.end();
    kept?.close();
  }
}

/** What comes from the network comes to a file of the store's own, so that it is not written twice. */
function keptAt(to: string, source: Source): BlobFile | LinkedBlob {
  return 'path' in source && source.growth !== undefined ? new LinkedBlob(source.path, to) : new BlobFile(to);
}

/** What reading a source takes. */
interface Means {
  kept: BlobFile | LinkedBlob | undefined;
  loan: Loan;
}

async function readThrough(task: Task, means: Means, taker: Taker): Promise<SourceResult> {
  const { control, limits } = task;
  let lent: Buffer | undefined;
  const room = (): Buffer => {
    if (taker.room !== undefined) return taker.room();
    lent ??= means.loan.borrow();
    return lent;
  };
  const input = await openInput(task, means, room);
  let size = 0;
  let refusal: unknown;
  for await (const chunk of input.bytes) {
    checkCancelled(control);
    size += chunk.length;
    input.transport.unpacked = size;
    checkVolume(size, input.transport.size, limits);
    countBytes(control, chunk.length);
    if (refusal !== undefined) continue;
    try {
      taker.take(chunk);
    } catch (error) {
      if (!input.compressed) throw error;
      // A corrupt stream can give bytes that are no archive. Its checksum comes last, so the rest is read: a wrong
      // checksum is the error to report.
      refusal = error;
    }
  }
  if (refusal !== undefined) throw refusal;
  const { transport } = input;
  return { size, transport: { sha256: transport.hash.digest('hex'), size: transport.size } };
}

/** The sha256 of a source, without decoding it. */
export async function digestSource({ source, control }: DigestTask): Promise<{ sha256: string }> {
  const hash = createHash('sha256');
  const loan = new Loan();
  try {
    for await (const chunk of rawBytes(source, control, loan)) {
      checkCancelled(control);
      hash.update(chunk);
    }
  } finally {
    loan.end();
  }
  return { sha256: hash.digest('hex') };
}

/** Opens a source. @returns its uncompressed bytes, and a running count and hash of the bytes as they came */
async function openInput({ source, control, limits }: Task, { kept, loan }: Means, room: () => Buffer) {
  const transport: Transport = { size: 0, unpacked: 0, hash: createHash('sha256'), kept };
  const chunks = counted(rawBytes(source, control, loan), transport, control);
  const { head, rest } = await peek(chunks, BLOCK);
  try {
    if ('tree' in source) return { bytes: rest, transport, compressed: false };
    const compression = identifyBytes(head.subarray(0, BLOCK), 'path' in source ? source.path : 'standard input');
    if (compression === 'none') return { bytes: rest, transport, compressed: false };
    return {
      bytes: decompressed(compression, checkOverhead(rest, transport, limits), room),
      transport,
      compressed: true,
    };
  } catch (error) {
    await chunks.return(undefined);
    throw error;
  }
}

interface Transport {
  size: number;
  /** Bytes decoded so far. */
  unpacked: number;
  hash: Hash;
  kept: BlobFile | LinkedBlob | undefined;
}

/** Each chunk stays as it is until the second one after it is asked for. */
async function* rawBytes(source: Source, control: Control, loan: Loan): AsyncGenerator<Buffer> {
  if ('path' in source) {
    if (source.growth !== undefined) return yield* growingBytes(source.path, source.growth, control);
    const { fd, size } = openRegular(source.path);
    const { offset: start, size: length } = source.part ?? { offset: 0, size };
    const end = Math.min(start + length, size);
    if (end - start > CHUNK) yield* readAhead(fd, { start, end }, CHUNK);
    else yield* inOnePiece(fd, { start, end }, loan);
    return;
  }
  if ('bytes' in source) {
    yield Buffer.from(source.bytes);
    return;
  }
  if ('tree' in source) return yield* treeBytes(source.tree, control);
  if (source.head !== undefined && source.head.length > 0) yield Buffer.from(source.head);
  const room = Buffer.allocUnsafeSlow(CHUNK);
  for (;;) {
    const length = await readStream(source.fd, room, () => checkCancelled(control));
    if (length === 0) return;
    yield Buffer.from(room.subarray(0, length));
  }
}

/** Reads a file as far as it is there, until no more comes. */
function* growingBytes(path: string, growth: Growth, control: Control): Generator<Buffer> {
  const { fd } = openRegular(path);
  const buffers = new Buffers(CHUNK);
  try {
    for (let at = 0; ; ) {
      const length = waitForGrowth(growth, at, () => checkCancelled(control));
      if (length === at) return;
      const chunk = buffers.next();
      const taken = fs.readSync(fd, chunk, 0, Math.min(CHUNK, length - at), at);
      if (taken === 0) throw new CairnError('ERR_IO', `${path} became shorter while it was read`, { path });
      at += taken;
      yield chunk.subarray(0, taken);
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Reads a small source in place, without asking another thread to. */
function* inOnePiece(fd: number, { start, end }: { start: number; end: number }, loan: Loan): Generator<Buffer> {
  try {
    const bytes = loan.borrow().subarray(0, Math.max(0, end - start));
    let length = 0;
    for (let taken = -1; length < bytes.length && taken !== 0; length += taken) {
      taken = fs.readSync(fd, bytes, length, bytes.length - length, start + length);
    }
    if (length > 0) yield bytes.subarray(0, length);
  } finally {
    fs.closeSync(fd);
  }
}

async function* counted(
  raw: AsyncIterable<Buffer>,
  transport: Transport,
  control: Control,
): AsyncGenerator<Buffer, undefined> {
  for await (const chunk of raw) {
    // Checked here, too: many bytes may be read that decode to nothing.
    checkCancelled(control);
    transport.size += chunk.length;
    countRead(control, chunk.length);
    transport.hash.update(chunk);
    transport.kept?.write(chunk);
    yield chunk;
  }
}

/** The first bytes of a stream, and the whole stream again. */
async function peek(
  chunks: AsyncGenerator<Buffer>,
  length: number,
): Promise<{ head: Buffer; rest: AsyncGenerator<Buffer> }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < length) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  async function* again(): AsyncGenerator<Buffer> {
    try {
      yield head;
      yield* chunks;
    } finally {
      // The source is closed even if the caller stops at the head.
      await chunks.return(undefined);
    }
  }
  return { head, rest: again() };
}

/** Empty members and padding cost time and give nothing. No real stream has more of them than content. */
async function* checkOverhead(
  chunks: AsyncIterable<Buffer>,
  transport: Transport,
  { maxOverhead }: Limits,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    if (transport.size > 2 * transport.unpacked + maxOverhead) {
      const why = `more than ${maxOverhead} compressed bytes that hold nothing (${limitFlag('maxOverhead')})`;
      throw new CairnError('ERR_LIMIT', why);
    }
    yield chunk;
  }
}

function checkVolume(size: number, transported: number, limits: Limits): void {
  if (size > limits.maxBytes) {
    throw new CairnError('ERR_LIMIT', `the layer is larger than ${limits.maxBytes} bytes (${limitFlag('maxBytes')})`);
  }
  if (size - FREE_OUTPUT > transported * limits.maxRatio) {
    throw new CairnError(
      'ERR_LIMIT',
      `the layer unpacks to more than ${limits.maxRatio} times its size (${limitFlag('maxRatio')})`,
    );
  }
}
