/** Makes objects of the contents of a layer's files: hashes and names them, and hands on those that the store lacks. */
import { hash } from 'node:crypto';
import { borrowMemory, giveBack, LENT_BYTES } from '../../engine/core/lent-memory.js';
import type { SkippedKind } from '../../engine/core/metadata.js';
import type { TocEntry } from '../../engine/layer/toc.js';
import type { ObjectHome } from '../../engine/objects/home.js';
import type { LargeContent, NewObjects } from './new-objects.js';

/** Files up to this size are held in memory until their hash is known, so that known content is never written. */
const HELD_BYTES = LENT_BYTES;

export interface ObjectWriterOptions {
  home: ObjectHome;
  /** Takes the objects that are new. */
  place: NewObjects;
  /** The store holds no objects at all. */
  storeIsEmpty: boolean;
}

export class ObjectWriter {
  /** Distinct objects so far, but for those that are new in a pack: name → bytes. */
  readonly sizes = new Map<string, number>();
  readonly skipped: Record<string, SkippedKind[]> = {};

  /** For each file so far, where in the pack its content begins, as {@link NewObjects.lastSector} says. */
  readonly places: number[] = [];

  /** Distinct objects so far → their places. */
  readonly #seen = new Map<string, number>();
  readonly #home: ObjectHome;
  readonly #place: NewObjects;
  readonly #storeIsEmpty: boolean;
  #held: Buffer | undefined;
  #heldLength = 0;
  #entry: TocEntry | undefined;
  /** A content too large to hold, or one with holes. */
  #large: LargeContent | undefined;

  constructor({ home, place, storeIsEmpty }: ObjectWriterOptions) {
    this.#home = home;
    this.#place = place;
    this.#storeIsEmpty = storeIsEmpty;
  }

  begin(entry: TocEntry): void {
    this.#entry = entry;
    this.#heldLength = 0;
    if (entry.size > HELD_BYTES || entry.sparse !== undefined) this.#large = this.#place.begin(entry);
  }

  content(bytes: Buffer): void {
    const entry = this.#entry as TocEntry;
    if (this.#large !== undefined) this.#large.write(bytes);
    else if (bytes.length === entry.size) this.#small(entry, bytes);
    else {
      this.#held ??= borrowMemory();
      bytes.copy(this.#held, this.#heldLength);
      this.#heldLength += bytes.length;
      if (this.#heldLength === entry.size) this.#small(entry, this.#held.subarray(0, entry.size));
    }
  }

  hole(length: number): void {
    this.#large?.skip(length);
  }

  end(): void {
    const entry = this.#entry as TocEntry;
    if (entry.size === 0 && this.#large === undefined) this.#small(entry, Buffer.alloc(0));
    if (this.#large !== undefined) this.#endLarge(entry, this.#large);
    this.#entry = undefined;
  }

  /** To be called after the last entry. */
  finish(): void {
    this.#place.finish();
  }

  /** Gives up a half-written content. */
  close(): void {
    this.#large?.close();
    this.#large = undefined;
    if (this.#held !== undefined) giveBack(this.#held);
    this.#held = undefined;
    this.#place.close();
  }

  #small(entry: TocEntry, bytes: Buffer): void {
    entry.key = hash('sha512', bytes);
    const name = this.#home.nameOf(entry);
    if (this.#isNew(name, entry, this.#place)) this.#note(name, this.#place.add(name, bytes, entry));
    this.places.push(this.#seen.get(name) as number);
  }

  #endLarge(entry: TocEntry, large: LargeContent): void {
    entry.key = large.finish();
    const name = this.#home.nameOf(entry);
    // Kept or not, it is no longer this writer's to give up.
    this.#large = undefined;
    if (this.#isNew(name, entry, large)) this.#note(name, large.keep(name));
    else large.drop();
    this.places.push(this.#seen.get(name) as number);
  }

  /** @returns whether neither this layer so far nor the store has the object */
  #isNew(name: string, { size }: TocEntry, { isPacked }: Pick<NewObjects, 'isPacked'>): boolean {
    if (this.#seen.has(name)) return false;
    const isNew = this.#storeIsEmpty || !this.#home.has(name);
    if (!isNew) this.#seen.set(name, 0);
    if (!isNew || !isPacked) this.sizes.set(name, size);
    return isNew;
  }

  /** Notes what became of a new object. */
  #note(name: string, skipped: SkippedKind[]): void {
    this.#seen.set(name, this.#place.lastSector);
    if (skipped.length > 0) this.skipped[name] = skipped;
  }
}
