/** Directories where new objects wait until their import commits. They are made for the first object that comes. */
import * as fs from 'node:fs';
import { makeOnce } from '../disk/durable.js';
import { SHARD_DIGITS, shardedPath } from '../disk/shards.js';
import type { ObjectStaging } from './home.js';

/** Objects side by side. */
export function flatStaging(dir: string): ObjectStaging {
  let isMade = false;
  return {
    pathFor: (name) => {
      if (!isMade) makeOnce(dir);
      isMade = true;
      return `${dir}/${name}`;
    },
  };
}

export function shardedStaging(dir: string): ObjectStaging {
  const made = new Set<string>();
  return {
    pathFor: (name) => {
      const shard = name.slice(0, SHARD_DIGITS);
      if (made.size === 0) makeOnce(dir);
      if (!made.has(shard)) makeOnce(`${dir}/${shard}`);
      made.add(shard);
      return shardedPath(dir, name);
    },
  };
}

/** The names of staged objects, or of their shards. */
export function stagedIn(dir: string): string[] {
  return fs.existsSync(dir) ? fs.readdirSync(dir) : [];
}
