/**
 * Files that trees share by hard link, in a store whose objects lie in packs. A render makes such a file the first time
 * a tree needs it, and keeps it here under the name that a loose object would have. The cache is in no index: a file
 * here is as good as its tree was when that was synced, and may go whenever no tree has a name of it.
 */
import * as fs from 'node:fs';
import { hasCode } from '../../core/errors.js';
import type { FileContent } from '../../core/object.js';
import { intoShard, shardedFiles, shardedPath } from '../../disk/shards.js';
import { isLooseName, looseName } from '../name.js';

export class LinkCache {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * Gives a cached file another name. Only one that a tree has: a check looks at those, and at no others.
   * @returns false when there is none, or none that takes another name
   */
  link(file: FileContent, path: string | Buffer): boolean {
    const place = shardedPath(this.#dir, looseName(file));
    if ((fs.lstatSync(place, { throwIfNoEntry: false })?.nlink ?? 0) < 2) return false;
    try {
      fs.linkSync(place, path);
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'EMLINK', 'EXDEV')) return false;
      throw error;
    }
  }

  /** Keeps a file of a tree. Its content and metadata are on disk by now. */
  keep(file: FileContent, path: string | Buffer, anew: boolean): void {
    const place = shardedPath(this.#dir, looseName(file));
    try {
      if (anew || this.#isUnused(place)) fs.rmSync(place, { force: true });
      intoShard(place, () => fs.linkSync(path, place));
    } catch (error) {
      // Another tree was faster, or this file has as many names as it can have.
      if (!hasCode(error, 'EEXIST', 'EMLINK', 'ENOENT', 'EXDEV')) throw error;
    }
  }

  *all(): Generator<string> {
    for (const { name, path } of shardedFiles(this.#dir)) if (isLooseName(name)) yield path;
  }

  /** Files that no tree has a name of. */
  *unused(): Generator<string> {
    for (const path of this.all()) if (this.#isUnused(path)) yield path;
  }

  #isUnused(path: string): boolean {
    return fs.lstatSync(path, { throwIfNoEntry: false })?.nlink === 1;
  }
}
