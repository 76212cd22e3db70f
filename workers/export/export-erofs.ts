/** Writes a tree as one EROFS image: everything that the tree says, then the contents of its files, block by block. */
import type { ByteString } from '../../engine/core/bytes.js';
import { type ErofsImage, erofsImage, type ImageEntry } from '../../engine/erofs/image.js';
import type { ObjectHome } from '../../engine/objects/home.js';
import { homeAt } from '../../engine/objects/homes.js';
import { type ShardRow, unpackShard } from '../../engine/plan/shard.js';
import type { ExportErofsTask, ExportResult } from '../tasks/export.js';
import type { Skipped } from '../tasks/parts.js';
import { addSkipped } from '../tasks/skipped.js';
import { writeOut } from './export.js';

const BLOCK_BITS = 12;
const BLOCK = 2 ** BLOCK_BITS;

export async function exportErofs(task: ExportErofsTask): Promise<ExportResult> {
  const { shard, sizes, uuid } = task;
  const groups = task.groups.split('\0');
  const entries = unpackShard(shard).map((row, i) => entryOf(row, sizes[i] as number, groups[i] as ByteString));
  const image = erofsImage(entries, { uuid, blockBits: BLOCK_BITS, contents: 'inside' });
  const skipped: Skipped = {};
  for (const { path, kind } of image.skipped) addSkipped(skipped, kind, path);
  return { ...(await writeOut(bytesOf(image, homeAt(task.objects)), task)), skipped };
}

function entryOf({ source, ...row }: ShardRow, size: number, group: ByteString): ImageEntry {
  const key = row.type === 'file' ? source : '';
  return { ...row, size, key, link: row.type === 'symlink' ? source : '', group };
}

function* bytesOf(image: ErofsImage, home: ObjectHome): Generator<Buffer> {
  yield* image.metadata();
  for (const entry of image.contents) {
    yield* home.open(home.nameOf(entry), { size: entry.size, sha512: entry.key });
    const rest = entry.size % BLOCK;
    if (rest > 0) yield Buffer.alloc(BLOCK - rest);
  }
}
