/** Tasks that look at directories: what is in them, and what has changed since somebody last looked. */
import type { Identity } from '../../engine/core/metadata.js';
import type { Control, Shard, Skipped } from './parts.js';
import type { Seen } from './seen.js';

/** What was found at paths of a directory, in no particular order. */
export interface Listing {
  /** Files have a key only if they were hashed. */
  shard: Shard;
  /** Per row: bytes of a file. */
  sizes: Float64Array;
  seen: Seen;
  /** Per row: names of the inode, wherever they are. */
  links: Uint32Array;
  /** What cannot be a part of an image, and was passed over. */
  sockets: string[];
  /** Directories that something is mounted on, whose contents were passed over. */
  mounts: string[];
}

/** Notes what is at paths of a tree that was just made. */
export interface NoteTreeTask {
  kind: 'note-tree';
  control: Control;
  root: string;
  /** Clean paths joined by NUL, in order. */
  paths: string;
}

/** Lists all of a directory. */
export interface ListTreeTask {
  kind: 'list-tree';
  control: Control;
  root: string;
}

/** Compares paths of a tree with what was noted of them, and lists what is new in directories that have changed. */
export interface CompareTreeTask {
  kind: 'compare-tree';
  control: Control;
  root: string;
  /** All noted paths, joined by NUL, in byte order. */
  paths: string;
  seen: Seen;
  /** The rows to look at. */
  from: number;
  to: number;
  /** Take no file for unchanged, whatever its inode says. */
  thorough: boolean;
}

/** The listing has all that was there and is no longer the same, and all that is new. */
export interface Compared {
  listing: Listing;
  /** Positions of paths that are gone. */
  gone: Uint32Array;
  /** Paths that were looked at. */
  looked: number;
}

/** Copies a file or a directory, with all metadata, to a path where nothing is. */
export interface CopyTreeTask {
  kind: 'copy-tree';
  control: Control;
  source: string;
  target: string;
  identity: Identity;
}

export interface CopiedTree {
  files: number;
  bytes: number;
  skipped: Skipped;
  /** What cannot be a part of an image, and was passed over. */
  sockets: string[];
  /** Directories that something is mounted on, whose contents were passed over. */
  mounts: string[];
}
