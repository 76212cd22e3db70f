/** Packs a merged tree as one pax archive, with entries in byte order of their paths. */
import type { ByteString } from '../../engine/core/bytes.js';
import { END_OF_ARCHIVE, entryHeader, paddingOf } from '../../engine/layer/tar/write-entry.js';
import type { ShardRow } from '../../engine/plan/shard.js';

/** Headers and small contents are given together: each piece costs its takers some microseconds. */
const PIECE = 1 << 18;

export interface PackedTree {
  rows: readonly ShardRow[];
  /** Per row: bytes of a file. */
  sizes: Float64Array;
  /** Per row: the first path that shares its inode; a later one becomes a hard link to it. */
  groups: readonly ByteString[];
  contentOf: (row: ShardRow, size: number, index: number) => Iterable<Buffer>;
  /** Makes the archive an ACI: the tree goes below `rootfs`, the manifest comes last, as in other tools' ACIs. */
  manifest?: Uint8Array | undefined;
}

export function* packTree(tree: PackedTree): Generator<Buffer> {
  const held: Buffer[] = [];
  let length = 0;
  for (const piece of piecesOf(tree)) {
    if (length > 0 && length + piece.length > PIECE) {
      yield Buffer.concat(held, length);
      held.length = 0;
      length = 0;
    }
    if (piece.length >= PIECE) yield piece;
    else {
      held.push(piece);
      length += piece.length;
    }
  }
  yield Buffer.concat(held, length);
}

function* piecesOf({ rows, sizes, groups, contentOf, manifest }: PackedTree): Generator<Buffer> {
  const root = manifest === undefined ? '' : 'rootfs/';
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as ShardRow;
    const group = groups[i] as ByteString;
    const linkTo = group !== '' && group !== row.path ? `${root}${group}` : undefined;
    const size = row.type === 'file' && linkTo === undefined ? (sizes[i] as number) : 0;
    const path = `${root}${row.path}`;
    yield entryHeader({
      ...row,
      name: row.path === '' ? root || './' : row.type === 'dir' ? `${path}/` : path,
      type: linkTo === undefined ? row.type : 'hardlink',
      size,
      link: linkTo ?? (row.type === 'symlink' ? row.source : ''),
    });
    if (size === 0) continue;
    yield* contentOf(row, size, i);
    yield paddingOf(size);
  }
  if (manifest !== undefined) {
    yield manifestHeader(manifest.length);
    yield Buffer.from(manifest);
    yield paddingOf(manifest.length);
  }
  yield END_OF_ARCHIVE;
}

function manifestHeader(size: number): Buffer {
  const plain = { mode: 0o644, uid: 0, gid: 0, sec: 0, nsec: 0, xattrs: [], link: '', devMajor: 0, devMinor: 0 };
  return entryHeader({ ...plain, name: 'manifest', type: 'file', size });
}
