/** `<root>/ab/<rest>`: spreads names that begin with hex digits over 256 directories, so that none grows too large. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '../core/errors.js';
import { makeOnce } from './durable.js';
import { namesIn } from './list-directory.js';

/** How many digits of a name are its shard. */
export const SHARD_DIGITS = 2;

export function shardedPath(root: string, name: string): string {
  return `${root}/${name.slice(0, SHARD_DIGITS)}/${name.slice(SHARD_DIGITS)}`;
}

/** Runs `make`, which makes a file at a sharded path. If the shard was missing, makes the shard and runs it again. */
export function intoShard<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    makeOnce(dirname(path));
    return make();
  }
}

export interface ShardedFile {
  /** The name that {@link shardedPath} made the path from; empty for a file that lies in no shard. */
  name: string;
  path: string;
}

/** Everything in a sharded directory. Passes over the content of a directory that cannot be read. */
export function* shardedFiles(root: string, list: (shard: string) => string[] = namesIn): Generator<ShardedFile> {
  for (const shard of fs.readdirSync(root, { withFileTypes: true })) {
    const dir = join(root, shard.name);
    if (!shard.isDirectory() || !/^[0-9a-f]{2}$/.test(shard.name)) yield { name: '', path: dir };
    else for (const file of list(dir)) yield { name: `${shard.name}${file}`, path: join(dir, file) };
  }
}
