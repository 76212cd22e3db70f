/** What this machine can do for a store, and what the store is. */
import { release } from 'node:os';
import { layoutOf } from '../session/choose-home.js';
import type { StoreContext } from '../session/context.js';
import { type ObjectLayout, readFormat } from '../session/format.js';
import { describeGround } from '../session/ground.js';
import { findModes, type Modes } from '../session/modes.js';

export interface StoreInfo {
  dir: string;
  /** How objects are kept: each in a file of its own, or in packs. */
  layout: ObjectLayout;
  /** Version of the files on disk. */
  format: number;
  images: number;
  trees: number;
  kernel: string;
  /** Type of the file system that the store lies on, and where it is mounted; null where the system does not tell. */
  fileSystem: { type: string; mountPoint: string; freeBytes: number } | null;
  node: string;
  workers: number;
  /** Why the system calls that Node lacks are made by helper programs; absent where they are not. */
  noSystemCalls?: string;
  modes: Modes;
  /** What of images' metadata this process cannot set, in words. */
  cannotSet: string[];
}

export function infoOf(store: StoreContext): StoreInfo {
  return {
    dir: store.layout.dir,
    layout: layoutOf(store),
    format: readFormat(store.layout).format,
    images: store.index.images.count(),
    trees: store.index.trees.count(),
    kernel: release(),
    node: process.version,
    workers: store.pool.size,
    modes: findModes(store),
    ...describeGround(store),
  };
}
