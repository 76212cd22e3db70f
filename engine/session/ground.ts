/** The ground that a store stands on: its file system, and what this process may do there. */
import * as fs from 'node:fs';
import { fileSystemAt } from '../disk/mounts.js';
import { ffiFault } from '../disk/native.js';
import type { StoreContext } from './context.js';

export interface Ground {
  fileSystem: { type: string; mountPoint: string; freeBytes: number } | null;
  noSystemCalls?: string;
  cannotSet: string[];
}

export function describeGround(store: StoreContext): Ground {
  const { dir } = store.layout;
  const found = fileSystemAt(dir);
  const { bavail, bsize } = fs.statfsSync(dir);
  const fault = ffiFault();
  return {
    fileSystem: found === undefined ? null : { ...found, freeBytes: bavail * bsize },
    ...(fault === undefined ? {} : { noSystemCalls: fault }),
    cannotSet: store.readOnly ? [] : lacks(store),
  };
}

/** Bytes of the unit in which the store's file system gives files room. */
export function blockSize({ layout }: StoreContext): number {
  return Math.max(512, fs.statfsSync(layout.dir).bsize);
}

function lacks({ staging }: StoreContext): string[] {
  const { overridesModes, givesAway } = staging.identity;
  return [
    ...(givesAway ? [] : ['owners other than this user']),
    ...(overridesModes ? [] : ['modes that keep the owner out']),
  ];
}
