/** The write path of one layer: a stream of bytes becomes objects, a table of contents and a recipe, in one pass. */
import { createHash, type Hash, hash } from 'node:crypto';
import * as fs from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AciLayer, type ContentRole } from '../engine/aci-layer.js';
import { CairnError } from '../engine/errors.js';
import { identifyBytes } from '../engine/identify.js';
import { stagedManifest, stagedNames, stagedObjects, stagedRecipe, stagedToc } from '../engine/layout.js';
import { type Limits, limitFlag } from '../engine/limits.js';
import { RecipeWriter } from '../engine/recipe.js';
import type { TarEntry } from '../engine/tar/entry.js';
import { BLOCK } from '../engine/tar/header.js';
import { TarScanner, type TarSink } from '../engine/tar/scan.js';
import { encodeToc, type TocEntry } from '../engine/toc.js';
import { checkCancelled, countBytes } from './control.js';
import { ObjectWriter } from './object-writer.js';
import type { AbsorbResult, AbsorbTask, StagedBlob } from './protocol.js';

const CHUNK = 256 * 1024;
/** Ratios mean little before this much came out. */
const RATIO_AFTER = 2 ** 20;

export async function absorb(task: AbsorbTask): Promise<AbsorbResult> {
  fs.mkdirSync(stagedObjects(task.staging), { mode: 0o700 });
  const sink = new LayerSink(task);
  try {
    return await sink.take();
  } finally {
    sink.close();
  }
}

class LayerSink implements TarSink {
  readonly #task: AbsorbTask;
  readonly #layer: AciLayer;
  readonly #objects: ObjectWriter;
  readonly #recipeFile: BlobFile;
  readonly #recipe: RecipeWriter;
  readonly #manifest: Buffer[] = [];
  #role: ContentRole = 'none';
  #files = 0;
  #contentBytes = 0;

  constructor(task: AbsorbTask) {
    this.#task = task;
    this.#layer = new AciLayer(task.limits);
    this.#objects = new ObjectWriter(stagedObjects(task.staging), task.objects, task.identity);
    this.#recipeFile = new BlobFile(stagedRecipe(task.staging));
    this.#recipe = new RecipeWriter((packed) => this.#recipeFile.write(packed));
  }

  frame(bytes: Buffer): void {
    this.#recipe.frame(bytes);
  }

  entry(entry: TarEntry): void {
    this.#role = this.#layer.add(entry);
    if (this.#role !== 'object') return;
    this.#files++;
    this.#contentBytes += entry.size;
    this.#objects.begin(this.#layer.entries.at(-1) as TocEntry);
    if (entry.size > 0) this.#recipe.content(entry.size);
  }

  content(bytes: Buffer): void {
    if (this.#role === 'object') this.#objects.content(bytes);
    else {
      // The manifest is kept as a blob of its own; in the recipe it stands as it came.
      this.#manifest.push(Buffer.from(bytes));
      this.#recipe.frame(bytes);
    }
  }

  entryEnd(): void {
    if (this.#role === 'object') this.#objects.end();
  }

  async take(): Promise<AbsorbResult> {
    const { control, endless, limits, staging } = this.#task;
    const scanner = new TarScanner(this, limits);
    const sha512 = createHash('sha512');
    const input = await openInput(this.#task);
    for await (const chunk of input.bytes) {
      checkCancelled(control);
      sha512.update(chunk);
      scanner.push(chunk);
      countBytes(control, chunk.length);
      checkVolume(scanner.bytes, input.transport.size, limits);
    }
    scanner.finish();
    if (!scanner.ended && !endless) {
      throw new CairnError('ERR_BAD_ARCHIVE', 'the archive has no end marker; it may be cut off');
    }
    const entries = this.#layer.finish();
    this.#recipe.finish();
    const manifest = Buffer.concat(this.#manifest);
    fs.writeFileSync(stagedManifest(staging), manifest, { mode: 0o600 });
    const toc = writeBlob(stagedToc(staging), encodeToc(entries));
    const recipe = this.#recipeFile.finish();
    const manifestHash = hash('sha512', manifest);
    const objects = [...this.#objects.sizes.keys()].join('\n');
    fs.writeFileSync(stagedNames(staging), `${toc.sha512}\n${recipe.sha512}\n${manifestHash}\n${objects}\n`, {
      mode: 0o600,
    });
    return {
      sha512: sha512.digest('hex'),
      size: scanner.bytes,
      transport: { sha256: input.transport.hash.digest('hex'), size: input.transport.size },
      toc,
      recipe,
      manifest,
      manifestHash,
      entries: scanner.entries,
      files: this.#files,
      contentBytes: this.#contentBytes,
      objects,
      sizes: Float64Array.from(this.#objects.sizes.values()),
      skipped: this.#objects.skipped,
    };
  }

  close(): void {
    this.#objects.close();
    this.#recipeFile.close();
  }
}

/** The uncompressed bytes of a source, and a running count and hash of those that came. */
async function openInput(task: AbsorbTask) {
  const { source } = task;
  const transport = { size: 0, hash: createHash('sha256') };
  const raw: AsyncIterable<Buffer> =
    'path' in source
      ? fs.createReadStream(source.path, { highWaterMark: CHUNK })
      : fs.createReadStream('', { fd: source.fd, autoClose: false, highWaterMark: CHUNK });
  const chunks = counted(raw, transport);
  const { head, rest } = await peek(chunks, BLOCK);
  const compression = identifyBytes(head.subarray(0, BLOCK), 'path' in source ? source.path : 'standard input');
  if (compression === 'none') return { bytes: rest, transport };
  const gunzip = createGunzip({ chunkSize: CHUNK });
  pipeline(rest, gunzip, () => {}); // errors surface where the result is read
  return { bytes: inflated(gunzip), transport };
}

async function* counted(raw: AsyncIterable<Buffer>, transport: { size: number; hash: Hash }): AsyncGenerator<Buffer> {
  for await (const chunk of raw) {
    transport.size += chunk.length;
    transport.hash.update(chunk);
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
    yield head;
    yield* chunks;
  }
  return { head, rest: again() };
}

async function* inflated(gunzip: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* gunzip;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') !== true) throw error;
    throw new CairnError('ERR_BAD_COMPRESSION', `corrupt or truncated gzip: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function checkVolume(size: number, transported: number, limits: Limits): void {
  if (size > limits.maxBytes) {
    throw new CairnError('ERR_LIMIT', `the layer is larger than ${limits.maxBytes} bytes (${limitFlag('maxBytes')})`);
  }
  if (size - RATIO_AFTER > transported * limits.maxRatio) {
    throw new CairnError(
      'ERR_LIMIT',
      `the layer unpacks to more than ${limits.maxRatio} times its size (${limitFlag('maxRatio')})`,
    );
  }
}

/** A blob being written: hashed on the way. */
class BlobFile {
  readonly #hash = createHash('sha512');
  #fd: number;
  #size = 0;

  constructor(path: string) {
    this.#fd = fs.openSync(path, 'wx', 0o600);
  }

  write(bytes: Buffer): void {
    this.#hash.update(bytes);
    let at = 0;
    while (at < bytes.length) at += fs.writeSync(this.#fd, bytes, at);
    this.#size += bytes.length;
  }

  finish(): StagedBlob {
    this.close();
    return { sha512: this.#hash.digest('hex'), size: this.#size };
  }

  close(): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = -1;
  }
}

function writeBlob(path: string, bytes: Buffer): StagedBlob {
  const file = new BlobFile(path);
  try {
    file.write(bytes);
    return file.finish();
  } finally {
    file.close();
  }
}
