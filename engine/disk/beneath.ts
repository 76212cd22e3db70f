/**
 * Reaches paths in a directory whose contents are not to be trusted. Each directory on the way is opened by itself,
 * below the one before, and a symlink is never one: whoever exchanges a directory for a symlink meanwhile leads nobody
 * out.
 */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath } from '../core/bytes.js';
import { hasCode } from '../core/errors.js';

/** Linux' `O_PATH`, which Node does not name: the directory itself, whatever may be read of it. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = fs.constants;

/** An open directory, and a path that means it and nothing else. */
export interface OpenDirectory {
  readonly fd: number;
  readonly path: ByteString;
}

export class Beneath {
  /** The root, then the directories that lead to the one asked for last. */
  readonly #open: (OpenDirectory & { name: ByteString })[] = [];
  #last: ByteString = '';
  readonly #flags: number;

  /** @param root a real directory @throws as `open` does for what is none */
  constructor(root: string) {
    const fd = fs.openSync(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    // Without procfs there are only names to go by.
    const isLinked = fs.existsSync(`/proc/self/fd/${fd}/.`);
    this.#flags = isLinked ? O_PATH | O_DIRECTORY | O_NOFOLLOW : O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    this.#open.push({ fd, path: isLinked ? `/proc/self/fd/${fd}` : fromText(root), name: '' });
    this.#isLinked = isLinked;
  }

  readonly #isLinked: boolean;

  get root(): OpenDirectory {
    return this.#open[0] as OpenDirectory;
  }

  /**
   * The directory at a clean path, open until the next call; `undefined` where there is none. Paths that come in order
   * share their open directories.
   * @throws as `open` does otherwise
   */
  directory(path: ByteString): OpenDirectory | undefined {
    if (path === this.#last) return this.#open.at(-1);
    const parts = path === '' ? [] : path.split('/');
    let same = 0;
    while (same < parts.length && this.#open[same + 1]?.name === parts[same]) same++;
    this.#closeBeyond(same + 1);
    this.#last = parts.slice(0, same).join('/');
    for (const name of parts.slice(same)) {
      const at = `${this.#open.at(-1)?.path}/${name}`;
      let fd: number;
      try {
        fd = fs.openSync(toFsPath(at), this.#flags);
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
        throw error;
      }
      this.#open.push({ fd, path: this.#isLinked ? `/proc/self/fd/${fd}` : at, name });
      this.#last = this.#last === '' ? name : `${this.#last}/${name}`;
    }
    return this.#open.at(-1);
  }

  close(): void {
    this.#closeBeyond(0);
  }

  #closeBeyond(count: number): void {
    while (this.#open.length > count) fs.closeSync((this.#open.pop() as OpenDirectory).fd);
  }
}
