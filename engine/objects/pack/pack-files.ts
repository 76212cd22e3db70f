/**
 * The files of packs, opened once for all that a thread reads from them: thousands of objects. They are closed when the
 * thread has done its task, or when nobody relies on objects any more: the space of a deleted pack comes back only when
 * nobody has it open, and a pack that somebody has open is not emptied.
 */
import * as fs from 'node:fs';
import { packFileName } from './format.js';

/** More files than these are closed again, the one that was opened first before the others. */
const MOST_OPEN = 64;

export class PackFiles {
  readonly #dir: string;
  readonly #open = new Map<number, number>();
  /** Asked for each object: the same text each time is compared at once. */
  readonly #paths = new Map<number, string>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  path(pack: number): string {
    const known = this.#paths.get(pack) ?? `${this.#dir}/${packFileName(pack)}`;
    this.#paths.set(pack, known);
    return known;
  }

  /**
   * A descriptor for reading, good until the caller lets others work: it may be closed then. The caller does not close
   * it. @throws as opening does
   */
  descriptor(pack: number): number {
    const known = this.#open.get(pack);
    if (known !== undefined) return known;
    if (this.#open.size >= MOST_OPEN) this.#closeOldest();
    const fd = fs.openSync(this.path(pack), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    this.#open.set(pack, fd);
    return fd;
  }

  /** The next reader opens what it needs. */
  close(): void {
    for (const fd of this.#open.values()) fs.closeSync(fd);
    this.#open.clear();
  }

  #closeOldest(): void {
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    this.#open.delete(oldest[0]);
    fs.closeSync(oldest[1]);
  }
}

const known = new Map<string, PackFiles>();

/** @param dir of the packs */
export function packFilesIn(dir: string): PackFiles {
  const files = known.get(dir) ?? new PackFiles(dir);
  known.set(dir, files);
  return files;
}

/** Closes all packs that this thread has open. */
export function closePacks(): void {
  for (const files of known.values()) files.close();
}
