/** The options and the results of rendering and mounting. */
import type { Skipped } from '../../workers/tasks/parts.js';
import type { FindOptions } from '../core/finding.js';
import type { Key } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import type { TreeMode } from '../index/records.js';

/** `pull` is `missing` by default. */
export interface RenderOptions extends OperationOptions, FindOptions {
  /**
   * How files get their content, or `mount` for a tree that the kernel mounts. By default the tree that is there, else
   * `mount` in a store of packs where trees can be mounted, else `link`. A tree of files keeps its mode; it can be
   * there as files and to be mounted at once.
   */
  mode?: TreeMode;
  /** Make the tree anew even if it exists. */
  rebuild?: boolean;
}

export interface MountOptions extends Omit<RenderOptions, 'mode'> {
  /** A directory to mount at. By default one of the running system, which tells of the store and the tree. */
  dir?: string;
}

export interface Rendered {
  image: Key;
  treeId: string;
  /** The root file system itself. */
  path: string;
  hash: Key;
  files: number;
  bytes: number;
  uniqueBytes: number;
  mode: TreeMode;
  existed: boolean;
  /** Metadata that could not be set, by kind. Empty for root on a file system that supports all of it. */
  skipped: Skipped;
  /** Bytes of the image that the tree is mounted from; for a tree of files only absent. */
  imageBytes?: number;
  ms: number;
}

export interface Mounted extends Rendered {
  mode: 'mount';
  imageBytes: number;
}
