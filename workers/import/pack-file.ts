/** Writes slots to a pack: on the thread that fills them, or on one that does nothing else. */
import * as fs from 'node:fs';
import { hasCode, withPath } from '../../engine/core/errors.js';
import { BLOCK } from '../../engine/core/extent.js';
import { borrowMemory, giveBack } from '../../engine/core/lent-memory.js';
import { beginToWrite } from '../../engine/disk/file-ranges.js';
import type { Lane, WritePackTask } from '../tasks/import.js';
import { readRing, SLOT_BYTES } from '../tasks/ring.js';
import type { SlotOutput } from './pack-writer.js';

/** The disk is set to work whenever so many bytes have gathered in the page cache. */
const WRITE_BEHIND_BYTES = 8 * 2 ** 20;

/** Appends to a pack. Where the file system lets it, and slots are whole blocks, past the page cache. */
class PackFile {
  readonly #path: string;
  /** Open from the first write on: most layers of a known image bring nothing. */
  #fd: number | undefined;
  #direct: boolean;
  #end: number;
  /** Up to here the disk was set to work. */
  #begun: number;

  constructor({ path, base }: Lane, direct: boolean) {
    this.#path = path;
    this.#end = base;
    this.#begun = base;
    this.#direct = direct;
  }

  #open(): number {
    const { O_WRONLY, O_NOFOLLOW, O_DIRECT } = fs.constants;
    if (this.#direct) {
      try {
        return fs.openSync(this.#path, O_WRONLY | O_NOFOLLOW | O_DIRECT);
      } catch (error) {
        if (!hasCode(error, 'EINVAL')) throw error;
        this.#direct = false;
      }
    }
    return fs.openSync(this.#path, O_WRONLY | O_NOFOLLOW);
  }

  append(slot: Buffer): void {
    for (let at = 0; at < slot.length; ) at += this.#write(slot, at);
    this.#end += slot.length;
    if (this.#fd === undefined || this.#direct || this.#end - this.#begun < WRITE_BEHIND_BYTES) return;
    beginToWrite(this.#fd, { offset: this.#begun, length: this.#end - this.#begun });
    this.#begun = this.#end;
  }

  #write(slot: Buffer, at: number): number {
    this.#fd ??= this.#open();
    try {
      return fs.writeSync(this.#fd, slot, at, slot.length - at, this.#end + at);
    } catch (error) {
      if (!this.#direct || !hasCode(error, 'EINVAL')) throw withPath(error, this.#path);
      // The device wants another alignment than ours.
      this.close();
      this.#direct = false;
      return 0;
    }
  }

  /** More may follow: then the file is opened again. */
  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** For layers that one thread takes apart: the page cache lets it go on at once. */
export class PackOutput implements SlotOutput {
  readonly #file: PackFile;
  #slot: Buffer | undefined;

  constructor(lane: Lane) {
    this.#file = new PackFile(lane, false);
  }

  room(): Buffer {
    this.#slot ??= borrowMemory();
    return this.#slot;
  }

  send(length: number): void {
    this.#file.append(this.room().subarray(0, length));
  }

  end(): void {}

  close(): void {
    this.#file.close();
    if (this.#slot !== undefined) giveBack(this.#slot);
    this.#slot = undefined;
  }
}

/** The last worker of a shared layer: from ring to pack. See `inflate-ring.ts`. */
export function writePack({ ring, lane }: WritePackTask): null {
  const file = new PackFile(lane, SLOT_BYTES % BLOCK === 0);
  try {
    for (const slot of readRing(ring)) file.append(slot);
  } finally {
    file.close();
  }
  return null;
}
