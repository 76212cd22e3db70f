/**
 * The place where a repair puts damaged files: `quarantine/<time of the repair>/objects/ab/…` or
 * `…/blobs/sha512/ab/…`, so that each can be looked at and put back. Nothing there is ever overwritten.
 * `gc` deletes what is older than its grace period.
 */
import * as fs from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { hasCode } from '../core/errors.js';
import { moveIntoFreePlace } from './durable.js';
import type { Layout } from './layout.js';

const MOST_TRIES = 100;

export class Quarantine {
  readonly #layout: Layout;
  readonly #dir: string;
  /** Paths that the files of this repair went to. */
  readonly taken: string[] = [];

  constructor(layout: Layout, now = new Date()) {
    this.#layout = layout;
    this.#dir = join(layout.quarantine, now.toISOString().replaceAll(':', '-'));
  }

  /** Moves a file, or whatever lies in its place, to quarantine. @returns whether there was anything */
  take(path: string): boolean {
    if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
    this.#put(path, (to) => moveIntoFreePlace(path, to));
    return true;
  }

  /**
   * Has a file made in quarantine.
   * @param path where the file would lie in the store
   * @param make makes the file
   */
  keep(path: string, make: (to: string) => void): void {
    this.#put(path, (to) => {
      if (fs.existsSync(to)) return false;
      make(to);
      return true;
    });
  }

  /** @param put returns false if something is there */
  #put(path: string, put: (to: string) => boolean): void {
    const wanted = join(this.#dir, relative(this.#layout.dir, path));
    for (let tries = 1; ; tries++) {
      try {
        fs.mkdirSync(dirname(wanted), { recursive: true, mode: 0o700 });
        let to = wanted;
        for (let n = 1; !put(to); n++) to = `${wanted}~${n}`;
        this.taken.push(to);
        return;
      } catch (error) {
        // A gc without a grace period waits for nobody here. It may just have deleted the directory.
        if (!hasCode(error, 'ENOENT') || tries === MOST_TRIES) throw error;
      }
    }
  }
}

/** Directories of repairs that were last changed by `oldest` (milliseconds since 1970), with their bytes. */
export function expiredQuarantine(layout: Layout, oldest: number): { paths: string[]; bytes: number } {
  const paths: string[] = [];
  let bytes = 0;
  for (const name of fs.readdirSync(layout.quarantine)) {
    const path = join(layout.quarantine, name);
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || stat.mtimeMs > oldest) continue;
    paths.push(path);
    bytes += bytesAt(path);
  }
  return { paths, bytes };
}

/** Bytes of the regular files at and below a path. Files that others delete meanwhile count as none. */
export function bytesAt(path: string): number {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.isFile() ? stat.size : 0;
  return namesIn(path).reduce((sum, name) => sum + bytesAt(join(path, name)), 0);
}

function namesIn(dir: string): string[] {
  try {
    return fs.readdirSync(dir);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
