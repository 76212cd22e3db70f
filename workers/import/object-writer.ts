/** Makes objects of the contents of a layer's files: hashes and names them, and stages those that the store lacks. */
import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { SkippedKind } from '../../engine/core/metadata.js';
import { moveIntoPlace } from '../../engine/disk/durable.js';
import { finishFile } from '../../engine/disk/set-metadata.js';
import type { TocEntry } from '../../engine/layer/toc.js';
import type { ObjectHome, ObjectStaging } from '../../engine/objects/home.js';
import { homeAt } from '../../engine/objects/homes.js';
import type { IngestTask } from '../tasks/import.js';
import { LargeFile } from './large-file.js';
import { PARCELLED_BYTES, type ParcelWriter, writeObjectFile } from './object-file.js';

/** Files up to this size are held in memory until their hash is known, so that known content is never written. */
const HELD_BYTES = 1 << 20;

type Where = Pick<IngestTask, 'staging' | 'newObjects' | 'flat' | 'objects' | 'identity' | 'storeIsEmpty'>;

export class ObjectWriter {
  /** Distinct objects so far: name → bytes. */
  readonly sizes = new Map<string, number>();
  readonly skipped: Record<string, SkippedKind[]> = {};
  /** Names of the new objects. */
  readonly staged: string[] = [];

  readonly #task: Where;
  readonly #home: ObjectHome;
  readonly #staging: ObjectStaging;
  readonly #parcels: ParcelWriter | undefined;
  readonly #held = Buffer.allocUnsafeSlow(HELD_BYTES);
  #heldLength = 0;
  #entry: TocEntry | undefined;
  /** A file too large to hold, or one with holes. */
  #large: LargeFile | undefined;

  /** @param parcels takes small objects to another worker, which writes them */
  constructor(task: Where, parcels: ParcelWriter | undefined) {
    this.#task = task;
    this.#home = homeAt(task.objects);
    this.#staging = this.#home.stagingIn(task.newObjects, task.flat ? 'flat' : 'sharded');
    this.#parcels = parcels;
  }

  begin(entry: TocEntry): void {
    this.#entry = entry;
    this.#heldLength = 0;
    if (entry.size > HELD_BYTES || entry.sparse !== undefined) {
      this.#large = new LargeFile(join(this.#task.staging, 'large'));
    }
  }

  content(bytes: Buffer): void {
    const entry = this.#entry as TocEntry;
    if (this.#large !== undefined) this.#large.write(bytes);
    else if (bytes.length === entry.size) this.#small(entry, bytes);
    else {
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
    this.#parcels?.end();
  }

  /** Closes a half-written file. */
  close(): void {
    this.#large?.close();
    this.#large = undefined;
  }

  #small(entry: TocEntry, bytes: Buffer): void {
    entry.key = hash('sha512', bytes);
    const name = this.#home.nameOf(entry);
    if (!this.#isNew(name, entry.size)) return;
    this.staged.push(name);
    if (this.#parcels !== undefined && bytes.length <= PARCELLED_BYTES && entry.xattrs.length === 0) {
      this.#parcels.add(name, bytes, entry);
    } else this.#note(name, writeObjectFile(this.#staging.pathFor(name), bytes, entry, this.#task.identity));
  }

  #endLarge(entry: TocEntry, large: LargeFile): void {
    this.#large = undefined;
    try {
      entry.key = large.finish();
      const name = this.#home.nameOf(entry);
      if (this.#isNew(name, entry.size)) {
        fs.fchmodSync(large.fd, entry.mode & 0o777);
        this.#note(name, finishFile(large.fd, large.path, entry, this.#task.identity));
        this.staged.push(name);
        moveIntoPlace(large.path, this.#staging.pathFor(name));
      } else fs.unlinkSync(large.path);
    } finally {
      large.close();
    }
  }

  /** @returns whether neither this layer so far nor the store has the object */
  #isNew(name: string, size: number): boolean {
    if (this.sizes.has(name)) return false;
    this.sizes.set(name, size);
    return this.#task.storeIsEmpty || !this.#home.has(name);
  }

  #note(name: string, skipped: SkippedKind[]): void {
    if (skipped.length > 0) this.skipped[name] = skipped;
  }
}
