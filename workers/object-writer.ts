/** Turns the contents of a layer's files into objects: hashed, named, and written to staging unless the store has them. */
import { createHash, type Hash, hash } from 'node:crypto';
import * as fs from 'node:fs';
import { shardedPath } from '../engine/layout.js';
import { variantOf } from '../engine/object.js';
import type { TocEntry } from '../engine/toc.js';
import { finishFile } from './metadata.js';
import type { Identity } from './protocol.js';

/** Files up to this size are held in memory until their hash is known, so that known content is never written. */
const HELD_BYTES = 1 << 20;

export class ObjectWriter {
  /** Distinct objects so far: name → bytes. */
  readonly sizes = new Map<string, number>();
  readonly skipped: Record<string, string[]> = {};

  readonly #staging: string;
  readonly #objects: string;
  readonly #identity: Identity;
  readonly #held = Buffer.allocUnsafeSlow(HELD_BYTES);
  #heldLength = 0;
  #entry: TocEntry | undefined;
  /** A file too large to hold: its open temporary and running hash. */
  #large: { fd: number; path: string; hash: Hash } | undefined;

  constructor(staging: string, objects: string, identity: Identity) {
    this.#staging = staging;
    this.#objects = objects;
    this.#identity = identity;
  }

  begin(entry: TocEntry): void {
    this.#entry = entry;
    this.#heldLength = 0;
    if (entry.size > HELD_BYTES) {
      const path = `${this.#staging}/large`;
      this.#large = { fd: fs.openSync(path, 'wx', 0o600), path, hash: createHash('sha512') };
    }
  }

  content(bytes: Buffer): void {
    const entry = this.#entry as TocEntry;
    if (this.#large !== undefined) {
      this.#large.hash.update(bytes);
      writeAll(this.#large.fd, bytes);
    } else if (bytes.length === entry.size) this.#small(entry, bytes);
    else {
      bytes.copy(this.#held, this.#heldLength);
      this.#heldLength += bytes.length;
      if (this.#heldLength === entry.size) this.#small(entry, this.#held.subarray(0, entry.size));
    }
  }

  end(): void {
    const entry = this.#entry as TocEntry;
    if (entry.size === 0) this.#small(entry, Buffer.alloc(0));
    if (this.#large !== undefined) this.#endLarge(entry, this.#large);
    this.#entry = undefined;
  }

  /** Drops what is half written. */
  close(): void {
    if (this.#large !== undefined) fs.closeSync(this.#large.fd);
    this.#large = undefined;
  }

  #small(entry: TocEntry, bytes: Buffer): void {
    entry.key = hash('sha512', bytes);
    const name = `${entry.key}.${variantOf(entry)}`;
    if (!this.#isNew(name, entry.size)) return;
    const path = `${this.#staging}/${name}`;
    const fd = fs.openSync(
      path,
      fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL,
      entry.mode & 0o777,
    );
    try {
      if (bytes.length > 0) writeAll(fd, bytes);
      this.#note(name, finishFile(fd, path, entry, this.#identity));
    } finally {
      fs.closeSync(fd);
    }
  }

  #endLarge(entry: TocEntry, large: { fd: number; path: string; hash: Hash }): void {
    this.#large = undefined;
    try {
      entry.key = large.hash.digest('hex');
      const name = `${entry.key}.${variantOf(entry)}`;
      if (this.#isNew(name, entry.size)) {
        fs.fchmodSync(large.fd, entry.mode & 0o777);
        this.#note(name, finishFile(large.fd, large.path, entry, this.#identity));
        fs.renameSync(large.path, `${this.#staging}/${name}`);
      } else fs.unlinkSync(large.path);
    } finally {
      fs.closeSync(large.fd);
    }
  }

  /** Whether this object is the first of its name, here and in the store. */
  #isNew(name: string, size: number): boolean {
    if (this.sizes.has(name)) return false;
    this.sizes.set(name, size);
    return !fs.existsSync(shardedPath(this.#objects, name));
  }

  #note(name: string, skipped: string[]): void {
    if (skipped.length > 0) this.skipped[name] = skipped;
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) at += fs.writeSync(fd, bytes, at, bytes.length - at);
}
