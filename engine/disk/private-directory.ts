/**
 * A directory of our own in a place that others may write to, such as beside a destination. Nobody else can enter it, and what is done in
 * it goes by a descriptor: whoever may rename it cannot lead us elsewhere.
 */
import * as fs from 'node:fs';
import { CairnError } from '../core/errors.js';

export class PrivateDirectory {
  /** Where it was made, and is unless someone has renamed it. */
  readonly path: string;
  /** Names the directory itself, wherever it is now. */
  readonly inside: string;
  readonly #fd: number;

  /** @throws CairnError `ERR_IO` if another one stands there a moment later */
  constructor(path: string) {
    this.path = path;
    fs.mkdirSync(path, { mode: 0o700 });
    this.#fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
    const { uid, mode } = fs.fstatSync(this.#fd);
    if (uid !== process.geteuid?.() || (mode & 0o077) !== 0) {
      fs.closeSync(this.#fd);
      throw new CairnError('ERR_IO', `${path} was exchanged for something else`, { path });
    }
    // The dot makes it the directory, where the kernel's link to it would be meant otherwise.
    const link = `/proc/self/fd/${this.#fd}/.`;
    this.inside = fs.existsSync(link) ? link : path;
  }

  /** Lets others in. */
  open(mode: number): void {
    fs.fchmodSync(this.#fd, mode);
  }

  /** Paths of what is in it, to be deleted. */
  contents(): string[] {
    return fs.readdirSync(this.inside).map((name) => `${this.inside}/${name}`);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  /** Closes it and takes it away, if it is empty and still where it was made. */
  remove(): void {
    this.close();
    try {
      fs.rmdirSync(this.path);
    } catch {
      // Renamed, or not all of it could be deleted, which has been told.
    }
  }
}
