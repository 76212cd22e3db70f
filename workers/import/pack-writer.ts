/** Appends new objects to a pack: aligned contents, then their table. The bytes go on in slots of a fixed size. */
import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { BLOCK, roundUp, SECTOR } from '../../engine/core/extent.js';
import type { SkippedKind } from '../../engine/core/metadata.js';
import { moveIntoPlace } from '../../engine/disk/durable.js';
import type { TocEntry } from '../../engine/layer/toc.js';
import type { ObjectStaging } from '../../engine/objects/home.js';
import { startOf } from '../../engine/objects/pack/format.js';
import { hashInName } from '../../engine/objects/pack/name.js';
import { PackRows } from '../../engine/objects/pack/rows.js';
import { encodeTable } from '../../engine/objects/pack/table.js';
import type { Lane, PackedLayer } from '../tasks/import.js';
import { LargeFile } from './large-file.js';
import type { LargeContent, NewObjects } from './new-objects.js';

/** Takes full slots, in order. The last one may be shorter. */
export interface SlotOutput {
  /** The slot to fill next, always of the same length. */
  room(): Buffer;
  send(length: number): void;
  /** No slot follows. */
  end(): void;
  /** Lets go of what it holds, whether all slots came or not. */
  close?(): void;
}

/** Places are told in 32 bits: 2 TiB of a pack. */
const FIRST_UNTOLD = 2 ** 32;

export interface PackWriterOptions {
  output: SlotOutput;
  lane: Lane;
  /** Where contents with holes go, which a pack cannot keep. */
  files: PackedFiles;
  /** Hears of objects whenever there are a thousand more, see `rows.ts`. */
  onRows?: ((rows: Buffer) => void) | undefined;
}

export interface PackedFiles {
  staging: ObjectStaging;
  /** An existing directory for the file of a content whose name is not known yet. */
  scratch: string;
}

export class PackWriter implements NewObjects {
  readonly files: string[] = [];
  readonly isPacked = true;
  lastSector = 0;
  readonly #options: PackWriterOptions;
  readonly #rows: PackRows;
  readonly #wasted: PackedLayer['wasted'] = [];
  #slot: Buffer | undefined;
  /** Bytes of the slot that are filled. */
  #filled = 0;
  /** Where the next byte goes in the pack. */
  #end: number;

  constructor(options: PackWriterOptions) {
    this.#options = options;
    this.#rows = new PackRows(options.onRows);
    this.#end = options.lane.base;
  }

  add(_name: string, bytes: Buffer, { key }: Pick<TocEntry, 'key'>): SkippedKind[] {
    const offset = this.#begin(bytes.length);
    this.#append(bytes);
    this.#note(key, offset, bytes.length);
    return [];
  }

  begin(entry: Pick<TocEntry, 'size' | 'sparse'>): LargeContent {
    return entry.sparse === undefined ? this.#beginPacked(entry.size) : this.#beginFile();
  }

  #beginPacked(size: number): LargeContent {
    const start = this.#begin(size);
    const hash: Hash = createHash('sha512');
    return {
      isPacked: true,
      write: (bytes) => {
        hash.update(bytes);
        this.#append(bytes);
      },
      skip: () => {},
      finish: () => hash.digest('hex'),
      keep: (name) => {
        this.#note(hashInName(name), start, size);
        return [];
      },
      drop: () => this.#takeBack(start),
      close: () => {},
    };
  }

  #beginFile(): LargeContent {
    const { staging, scratch } = this.#options.files;
    const file = new LargeFile(join(scratch, 'large'));
    return {
      isPacked: false,
      write: (bytes) => file.write(bytes),
      skip: (length) => file.skip(length),
      finish: () => file.finish(),
      keep: (name) => {
        this.files.push(name);
        this.lastSector = 0;
        file.close();
        moveIntoPlace(file.path, staging.pathFor(name));
        return [];
      },
      drop: () => file.remove(),
      close: () => file.remove(),
    };
  }

  finish(): void {
    const { output, lane } = this.#options;
    // Contents without a byte take no room, and a table must tell of them all the same.
    if (this.#end > lane.base || this.#rows.count > 0) {
      this.#padTo(roundUp(this.#end, BLOCK));
      const { base, durable, salt } = lane;
      this.#append(encodeTable(this.#rows, { offset: this.#end, before: base, durable, salt }));
      this.#flush();
    }
    output.end();
  }

  close(): void {
    this.#options.output.close?.();
  }

  /** @returns what the layer has filled; after {@link finish} */
  get result(): PackedLayer {
    const { pack, base } = this.#options.lane;
    return { pack, base, end: this.#end, rows: this.#rows.untold, wasted: this.#wasted };
  }

  #note(sha512: string, offset: number, size: number): void {
    this.#rows.add({ sha512, offset, size });
    const sector = offset / SECTOR;
    this.lastSector = sector < FIRST_UNTOLD ? sector : 0;
  }

  /** @returns where a content of this size begins */
  #begin(size: number): number {
    this.#padTo(startOf(this.#end, size));
    return this.#end;
  }

  /** Takes back a content that turned out to be known, as far as it was not handed on. */
  #takeBack(start: number): void {
    const inSlot = this.#filled - (this.#end - start);
    if (inSlot >= 0) {
      this.#filled = inSlot;
      this.#end = start;
      return;
    }
    this.#padTo(roundUp(this.#end, BLOCK));
    this.#wasted.push({ offset: start, length: this.#end - start });
  }

  #padTo(end: number): void {
    while (this.#end < end) {
      const slot = this.#room();
      const length = Math.min(end - this.#end, slot.length - this.#filled);
      slot.fill(0, this.#filled, this.#filled + length);
      this.#advance(length);
    }
  }

  #append(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; ) {
      const length = bytes.copy(this.#room(), this.#filled, from);
      from += length;
      this.#advance(length);
    }
  }

  #room(): Buffer {
    this.#slot ??= this.#options.output.room();
    return this.#slot;
  }

  #advance(length: number): void {
    this.#filled += length;
    this.#end += length;
    if (this.#filled === this.#slot?.length) this.#flush();
  }

  #flush(): void {
    if (this.#filled > 0) this.#options.output.send(this.#filled);
    this.#slot = undefined;
    this.#filled = 0;
  }
}
