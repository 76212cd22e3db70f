/** Exports images as archives: a layer's exact bytes, or a merged tree packed anew. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asDamage } from '../../engine/core/damage.js';
import { CairnError, withPath } from '../../engine/core/errors.js';
import { WHO_NEEDS_IT } from '../../engine/disk/file-bytes.js';
import { descriptorSink, newFileSink } from '../../engine/disk/output-stream.js';
import { readRecipe } from '../../engine/layer/recipe.js';
import { decodeToc, storedBytes, type TocEntry } from '../../engine/layer/toc.js';
import { homeAt } from '../../engine/objects/homes.js';
import { compressor } from '../compression/compress.js';
import { treeBytes } from '../pack/tree-bytes.js';
import { checkCancelled, countBytes } from '../tasks/control.js';
import type {
  ExportLayerTask,
  ExportResult,
  ExportTreeTask,
  Output,
  OutputCompression,
  PackFilesTask,
} from '../tasks/export.js';
import type { Control } from '../tasks/parts.js';
import { packFiles } from './pack-files.js';

const CHUNK = 1 << 20;

export function exportLayer(task: ExportLayerTask): Promise<ExportResult> {
  return writeOut(layerBytes(task), task);
}

export function exportTree(task: ExportTreeTask): Promise<ExportResult> {
  return writeOut(treeBytes(task, task.control), task);
}

export function exportFiles(task: PackFilesTask): Promise<ExportResult> {
  return writeOut(packFiles(task.files), task);
}

async function* layerBytes(task: ExportLayerTask): AsyncGenerator<Buffer> {
  const home = homeAt(task.objects);
  const contents = readToc(task.toc).filter((entry) => entry.type === 'file' && storedBytes(entry) > 0);
  let next = 0;
  for await (const part of readRecipe(recipeBytes(task.recipe))) {
    if ('frame' in part) {
      yield part.frame;
      continue;
    }
    const entry = contents[next++];
    if (entry === undefined || storedBytes(entry) !== part.content)
      throw new CairnError('ERR_DAMAGED', 'the recipe does not fit the table of contents', { path: task.recipe });
    yield* home.open(home.nameOf(entry), { size: entry.size, parts: entry.sparse });
  }
  if (next !== contents.length)
    throw new CairnError('ERR_DAMAGED', 'the recipe does not fit the table of contents', { path: task.recipe });
}

function readToc(path: string): TocEntry[] {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(path);
  } catch (cause) {
    throw asDamage(cause, 'a table of contents', path, WHO_NEEDS_IT);
  }
  return decodeToc(bytes);
}

async function* recipeBytes(path: string): AsyncGenerator<Buffer> {
  try {
    yield* fs.createReadStream(path, { highWaterMark: CHUNK }) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw asDamage(cause, 'a recipe', path, WHO_NEEDS_IT);
  }
}

interface Destination {
  control: Control;
  output: Output;
  compress: OutputCompression;
  digests?: boolean;
}

export async function writeOut(
  bytes: AsyncIterable<Buffer> | Iterable<Buffer>,
  { control, output, compress, digests = false }: Destination,
): Promise<ExportResult> {
  const packed = compressor(compress);
  const hash = createHash('sha512');
  const diffId = digests ? createHash('sha256') : undefined;
  const digest = digests && compress !== 'none' ? createHash('sha256') : undefined;
  let size = 0;
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const chunk of bytes) {
      checkCancelled(control);
      hash.update(chunk);
      diffId?.update(chunk);
      countBytes(control, chunk.length);
      yield chunk;
    }
  }
  const sink =
    'path' in output
      ? newFileSink(output.path, 0o644)
      : descriptorSink(output.fd, () => checkCancelled(control), output.name);
  const counter = new PassThrough({ highWaterMark: CHUNK });
  counter.on('data', (chunk: Buffer) => {
    size += chunk.length;
    digest?.update(chunk);
  });
  try {
    await pipeline(Readable.from(hashed(), { highWaterMark: 2 }), packed, counter, sink);
  } catch (error) {
    throw 'path' in output ? withPath(error, output.path) : error;
  }
  if (diffId === undefined) return { sha512: hash.digest('hex'), size };
  const uncompressed = diffId.digest('hex');
  return { sha512: hash.digest('hex'), size, diffId: uncompressed, digest: digest?.digest('hex') ?? uncompressed };
}
