/**
 * A directory of our own in a place that others may write to, such as beside a destination. Nobody else can enter it.
 * Work inside it goes by a descriptor, so a user who may rename the directory cannot lead us elsewhere.
 */
import * as fs from 'node:fs';
import { CairnError, naming } from '../core/errors.js';
import { handNothingDown } from './identity.js';

export class PrivateDirectory {
  /** The path that it was made at. Someone may have renamed it since. */
  readonly path: string;
  /** A path to the directory itself, wherever it is now. */
  readonly inside: string;
  readonly #fd: number;

  /** @throws CairnError `ERR_IO` if something else stands there right after it was made */
  constructor(path: string) {
    this.path = path;
    fs.mkdirSync(path, { mode: 0o700 });
    this.#fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
    const { uid, mode } = fs.fstatSync(this.#fd);
    if (uid !== process.geteuid?.() || (mode & 0o077) !== 0) {
      fs.closeSync(this.#fd);
      throw new CairnError('ERR_IO', `${path} was exchanged for something else`, { path });
    }
    // With the dot the path means the directory, without it the kernel's link to the directory.
    const link = `/proc/self/fd/${this.#fd}/.`;
    this.inside = fs.existsSync(link) ? link : path;
    handNothingDown(this.inside);
  }

  /** Lets others in, as `mode` says. */
  open(mode: number): void {
    naming(this.path, () => fs.fchmodSync(this.#fd, mode));
  }

  /** Paths of everything inside, to be deleted. */
  contents(): string[] {
    return fs.readdirSync(this.inside).map((name) => `${this.inside}/${name}`);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  /** Closes the directory, and removes it if it is empty and still where it was made. */
  remove(): void {
    this.close();
    try {
      fs.rmdirSync(this.path);
    } catch {
      // It was renamed, or not all of it could be deleted, which was reported then.
    }
  }
}
