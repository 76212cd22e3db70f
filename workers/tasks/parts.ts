/** The parts that tasks of several kinds share. */
import type { SkippedKind } from '../../engine/core/metadata.js';
import type { ObjectsAt } from '../../engine/core/object.js';
import type { Growth } from './growing.js';

export type Compression = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zstd';

/** Memory shared with the main thread. The main thread cancels, the worker counts. */
export interface Control {
  /** Element 0 is set to 1 to cancel. */
  cancel: Int32Array;
  /** Bytes and items done so far, and bytes of sources read. */
  done: BigInt64Array;
}

/**
 * A file, a part of one, a file that still grows, bytes, a tree that is packed as a tar on the way, or a stream that is
 * open in this process. The `head` of a stream has been read already. The compression of a source is told from its
 * bytes.
 */
export type Source =
  | { path: string; part?: { offset: number; size: number }; growth?: Growth }
  | { bytes: Uint8Array }
  | { tree: TreeTar }
  | { fd: number; head?: Uint8Array };

/** A part of a plan, in columns, so that it crosses to the worker as a few flat pieces. See `engine/plan/shard.ts`. */
export interface Shard {
  /** One letter an entry: d f s c b p. */
  types: string;
  /** Paths, byte strings joined by NUL. */
  paths: string;
  /** A file's object name, a symlink's target, else empty; joined by NUL. */
  sources: string;
  /** Rows of mode, uid, gid, seconds, nanoseconds, device major, minor. */
  meta: Float64Array;
  /** Extended attributes of the few entries that have them, by position. */
  xattrs: [number, [string, Uint8Array][]][];
}

/** A tree to be packed as one tar, or as an ACI when a manifest is given. */
export interface TreeTar {
  shard: Shard;
  /** Per row: bytes of a file. */
  sizes: Float64Array;
  /** Per row: the first path that shares its inode, or nothing; joined by NUL. */
  groups: string;
  /** Where files with a key have their content. */
  objects: ObjectsAt;
  /** Where files without one have it. */
  directory?: DirectoryFiles;
  manifest?: Uint8Array;
}

/** Files in a directory that others may be changing, as they were when they were listed. */
export interface DirectoryFiles {
  root: string;
  /** Per row. */
  inodes: BigUint64Array;
  /** Per row: seconds and nanoseconds of the last change of the inode. */
  changes: Float64Array;
}

/** Metadata that could not be set, by kind: how often, with up to ten paths. */
export type Skipped = Partial<Record<SkippedKind, SkippedPaths>>;

export interface SkippedPaths {
  count: number;
  paths: string[];
}

export interface StagedBlob {
  sha512: string;
  size: number;
}
