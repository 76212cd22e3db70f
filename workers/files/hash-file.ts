/** Hashes files of the store and of trees. */
import { createHash, hash } from 'node:crypto';
import * as fs from 'node:fs';
import type { PackAddress } from '../../engine/core/object.js';
import { checkCancelled, countBytes } from '../tasks/control.js';
import type { Control } from '../tasks/parts.js';

/** Most files fit into so many bytes. */
export const HASH_ROOM = 1 << 20;

/**
 * Hashes the rest of an open file. @returns its sha512 in hex
 * @param size expected bytes; a file that has no more, and fits into the room, is read and hashed at one go
 * @param room shared by all files of a task
 */
export function hashOf(fd: number, size: number, room: Buffer, control: Control): string {
  const read = (length: number): Buffer => {
    checkCancelled(control);
    const bytes = room.subarray(0, fs.readSync(fd, room, 0, length, null));
    countBytes(control, bytes.length);
    return bytes;
  };
  let bytes = read(Math.min(size + 1, room.length));
  if (bytes.length === size && size < room.length) return hash('sha512', bytes);
  const running = createHash('sha512');
  for (; bytes.length > 0; bytes = read(room.length)) running.update(bytes);
  return running.digest('hex');
}

/** One read serves many small contents. */
const WINDOW = 1 << 18;
/** A content that begins so near behind the last one is taken for its neighbour. */
const NEAR = 1 << 16;

/**
 * Hashes contents of packs. Of those that are asked for in the order in which they lie, neighbours are read at once.
 */
export class PackHasher {
  readonly #control: Control;
  readonly #window = Buffer.allocUnsafe(WINDOW);
  /** What the window shows: of which pack, from where on, how much. */
  #pack: number | undefined;
  #from = 0;
  #length = 0;
  /** The end of what was asked for last. */
  #end = 0;

  constructor(control: Control) {
    this.#control = control;
  }

  /** @returns the sha512, in hex, of a content, or of as much of it as is there */
  hash(fd: number, { pack, offset }: PackAddress, size: number): string {
    const read = (done: number): Buffer =>
      this.#read(fd, { pack, offset: offset + done }, Math.min(WINDOW, size - done));
    if (size <= WINDOW) return hash('sha512', read(0));
    const running = createHash('sha512');
    let done = 0;
    for (let bytes = read(0); bytes.length > 0; bytes = read(done)) {
      running.update(bytes);
      done += bytes.length;
    }
    return running.digest('hex');
  }

  #read(fd: number, { pack, offset }: PackAddress, length: number): Buffer {
    checkCancelled(this.#control);
    const isOfPack = pack === this.#pack;
    const isShown = isOfPack && offset >= this.#from && offset + length <= this.#from + this.#length;
    const isNear = isOfPack && offset >= this.#end && offset - this.#end < NEAR;
    if (!isShown) this.#show(fd, { pack, offset }, { least: length, most: isNear ? WINDOW : length });
    this.#end = offset + length;
    const begin = offset - this.#from;
    const bytes = this.#window.subarray(begin, Math.min(begin + length, this.#length));
    countBytes(this.#control, bytes.length);
    return bytes;
  }

  #show(fd: number, { pack, offset }: PackAddress, { least, most }: { least: number; most: number }): void {
    this.#pack = undefined;
    let filled = 0;
    try {
      filled = fs.readSync(fd, this.#window, 0, most, offset);
    } catch {
      // What cannot be read may be a neighbour.
    }
    while (filled < least) {
      const taken = fs.readSync(fd, this.#window, filled, least - filled, offset + filled);
      if (taken === 0) break;
      filled += taken;
    }
    this.#pack = pack;
    this.#from = offset;
    this.#length = filled;
  }
}
