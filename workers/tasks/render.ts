/** Tasks that make and delete trees. */
import type { ByteString } from '../../engine/core/bytes.js';
import type { Identity } from '../../engine/core/metadata.js';
import type { ObjectsAt } from '../../engine/core/object.js';
import type { Control, Shard, Skipped } from './parts.js';

export type RenderMode = 'link' | 'reflink' | 'copy';

/** Makes a shard's directories, files and special files below `root`, and missing parents that another shard makes. */
export interface RenderTask {
  kind: 'render';
  control: Control;
  root: string;
  objects: ObjectsAt;
  shard: Shard;
  mode: RenderMode;
  identity: Identity;
  uidShift: number;
}

export interface RenderResult {
  /** Metadata that could not be set: `what` → how often, with up to ten paths. */
  skipped: Skipped;
  /** Objects at the file system's link limit: name → the highest number of a copy that was linked to. */
  copies: Record<string, number>;
}

/** Keeps the files of a shard for other trees, once the tree is on disk. */
export interface KeepFilesTask {
  kind: 'keep-files';
  root: string;
  /** In place of those that were kept before. */
  anew: boolean;
  objects: ObjectsAt;
  shard: Shard;
}

/** Adds further names to existing inodes. Runs after all shards. */
export interface JoinTask {
  kind: 'join';
  root: string;
  /** `[existing, new]` paths below root. */
  links: [string, string][];
}

/** Sets directories' modes and times, after everything below them exists. */
export interface FinishDirectoriesTask {
  kind: 'finish-directories';
  root: string;
  shard: Shard;
  identity: Identity;
  uidShift: number;
}

/** Deletes directory trees and files for good. */
export interface RemoveTask {
  kind: 'remove';
  paths: readonly ByteString[];
}
