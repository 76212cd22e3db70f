/**
 * Files that are made to be sent: made once, however many ask, and sent from a descriptor, so that a slow reader holds
 * up nobody. A file stays for a while, since one who pulls a layer is seldom the only one.
 */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { Semaphore } from '../core/concurrency.js';
import { CairnError } from '../core/errors.js';

/** Files stay this long after the last one has read them. */
const KEPT_MS = 10 * 60_000;
const LOOK_EVERY_MS = 60_000;
/** Bytes of files that are kept, or being read. One larger file may be there alone. */
const MOST_BYTES = 16 * 2 ** 30;

interface Spooled {
  name: string;
  path: string;
  size: number;
  /** Of the bytes, if whoever made the file told it. */
  digest: string | undefined;
  readers: number;
  lastUsed: number;
}

/** What making a file told of it. */
export interface Made {
  size: number;
  digest?: string | undefined;
}

/** How to make a file. */
export interface Recipe {
  /** Files of one name have the same bytes. */
  name: string;
  /** Bytes, as far as they are known. */
  size: number;
  make: (path: string) => Promise<Made>;
}

export interface OpenFile {
  file: fs.FileHandle;
  size: number;
  closed: () => void;
}

export class Spool {
  readonly #makeDirectory: () => string;
  readonly #width: number;
  readonly #turns = new Semaphore();
  readonly #files = new Map<string, Spooled>();
  readonly #making = new Map<string, Promise<void>>();
  #dir: string | undefined;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param width how many files are made at a time */
  constructor(makeDirectory: () => string, width: number) {
    this.#makeDirectory = makeDirectory;
    this.#width = width;
  }

  /** Bytes of all files that are there. */
  get bytes(): number {
    return [...this.#files.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Has a file made, unless it is there. @throws as {@link open} does */
  async make(recipe: Recipe): Promise<Made> {
    const spooled = await this.#taken(recipe);
    spooled.readers--;
    return spooled;
  }

  /**
   * Opens a file. The caller closes it, and says so by `closed`.
   * @throws CairnError `ERR_NO_SPACE` while others read so much that there is no room, and what `make` throws
   */
  async open(recipe: Recipe): Promise<OpenFile> {
    const spooled = await this.#taken(recipe);
    const closed = (): void => {
      spooled.readers--;
      spooled.lastUsed = Date.now();
    };
    try {
      return { file: await fs.open(spooled.path, 'r'), size: spooled.size, closed };
    } catch (error) {
      closed();
      throw error;
    }
  }

  /** A file that counts one reader more, so that nobody takes it away before it is open. */
  async #taken(recipe: Recipe): Promise<Spooled> {
    const { name } = recipe;
    for (;;) {
      const spooled = this.#files.get(name);
      if (spooled !== undefined) {
        spooled.readers++;
        return spooled;
      }
      const underWay = this.#making.get(name) ?? this.#makeOne(recipe);
      this.#making.set(name, underWay);
      try {
        await underWay;
      } finally {
        this.#making.delete(name);
      }
    }
  }

  async #makeOne({ name, size: expected, make }: Recipe): Promise<void> {
    const leave = await this.#turns.acquire(this.#width);
    try {
      if (this.#isClosed) throw new CairnError('ERR_ABORTED', 'nothing more is sent');
      await this.#makeRoom(expected);
      this.#dir ??= this.#makeDirectory();
      const path = join(this.#dir, `${this.#next++}`);
      try {
        const { size, digest } = await make(path);
        this.#files.set(name, { name, path, size, digest, readers: 0, lastUsed: Date.now() });
        this.#timer ??= setInterval(() => void this.#forget(KEPT_MS), LOOK_EVERY_MS).unref();
      } catch (error) {
        await fs.rm(path, { force: true });
        throw error;
      }
    } finally {
      leave();
    }
  }

  /** Takes away the files that were used the longest ago, as far as nobody reads them. */
  async #makeRoom(expected: number): Promise<void> {
    while (this.bytes > 0 && this.bytes + expected > MOST_BYTES) {
      const idle = [...this.#files.values()].filter(({ readers }) => readers === 0);
      const [oldest] = idle.sort((a, b) => a.lastUsed - b.lastUsed);
      if (oldest === undefined)
        throw new CairnError('ERR_NO_SPACE', 'too much is being sent to make more; try again later');
      await this.#remove(oldest);
    }
  }

  async #forget(olderThanMs: number): Promise<void> {
    const before = Date.now() - olderThanMs;
    for (const file of [...this.#files.values()])
      if (file.readers === 0 && file.lastUsed <= before) await this.#remove(file);
    if (this.#files.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #remove(file: Spooled): Promise<void> {
    this.#files.delete(file.name);
    await fs.rm(file.path, { force: true });
  }

  /** Makes no more files, and takes those that are there; who reads one reads on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await Promise.allSettled([...this.#making.values()]);
    for (const file of [...this.#files.values()]) await this.#remove(file);
  }
}
