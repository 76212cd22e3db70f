/**
 * Lanes to packs. One layer at a time appends to a pack, in this process and all others: a lock keeps it so. A session
 * keeps the packs that it has taken, and lets them go when it ends.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import type { Lane } from '../../workers/tasks/import.js';
import { hasCode, naming, toCairnError } from '../core/errors.js';
import { BLOCK } from '../core/extent.js';
import { makeFileDurably, makeOnce } from '../disk/durable.js';
import type { Layout } from '../disk/layout.js';
import { type Lock, tryLock } from '../disk/lock.js';
import type { Index } from '../index/open.js';
import { lastPackOf } from '../index/packs.js';
import { FULL, idOfPackFile, packFileName, packHead, SALT_BYTES } from '../objects/pack/format.js';
import { headOf } from '../objects/pack/read-tables.js';

export class Lanes {
  readonly #layout: Layout;
  readonly #index: Index;
  /** Packs that nobody appends to at the moment. */
  readonly #idle: Lane[] = [];
  readonly #locks = new Map<number, Lock>();

  constructor(layout: Layout, index: Index) {
    this.#layout = layout;
    this.#index = index;
  }

  /** Takes a pack to append to. {@link release} must follow. */
  take(): Lane {
    const lane = this.#idle.pop() ?? this.#takeKnown() ?? this.#takeEmpty() ?? this.#makeNew();
    const durable = this.#index.packs.get(lane.pack)?.end ?? BLOCK;
    return { ...lane, durable };
  }

  /**
   * Lets others append.
   * @param end of the pack now; absent when the append failed: then nothing of it stays
   */
  release(lane: Lane, end?: number): void {
    if (end === undefined) naming(lane.path, () => fs.truncateSync(lane.path, lane.base));
    const base = end ?? lane.base;
    if (base < FULL) this.#idle.push({ ...lane, base });
  }

  /** The packs of this session that may hold what no sync has reached. */
  get paths(): string[] {
    return [...this.#locks.keys()].map((pack) => this.#path(pack));
  }

  /** Lets packs go that nobody appends to at the moment. The next append takes packs anew. */
  letGo(): void {
    for (const { pack } of this.#idle.splice(0)) {
      this.#locks.get(pack)?.release();
      this.#locks.delete(pack);
    }
  }

  close(): void {
    for (const lock of this.#locks.values()) lock.release();
    this.#locks.clear();
    this.#idle.length = 0;
  }

  #path(pack: number): string {
    return `${this.#layout.packs}/${packFileName(pack)}`;
  }

  /** A pack that is not full and that no other session has. */
  #takeKnown(): Lane | undefined {
    for (const { key: pack, value } of this.#index.packs.entries()) {
      if (value.end >= FULL || this.#locks.has(pack)) continue;
      const lane = this.#lock(pack);
      if (lane !== undefined) return lane;
    }
    return undefined;
  }

  /** A pack that was made for what then failed, or had no content: the index does not know it, and nothing is in it. */
  #takeEmpty(): Lane | undefined {
    for (const pack of this.#ids()) {
      if (this.#locks.has(pack) || this.#index.packs.get(pack) !== undefined) continue;
      if (fs.statSync(this.#path(pack), { throwIfNoEntry: false })?.size !== BLOCK) continue;
      const lane = this.#lock(pack);
      if (lane !== undefined) return lane;
    }
    return undefined;
  }

  /** Locks a pack, and cuts off what imports that died have left behind its end. */
  #lock(pack: number): Lane | undefined {
    const lock = tryLock(this.#layout.packLock(pack), true);
    if (lock === undefined) return undefined;
    try {
      // The last holder may have committed since this thread has last read the index.
      this.#index.refresh();
      const base = this.#index.packs.get(pack)?.end ?? BLOCK;
      const path = this.#path(pack);
      const salt = base < FULL ? this.#saltOf(pack, base) : undefined;
      if (salt !== undefined) {
        naming(path, () => fs.truncateSync(path, base));
        this.#locks.set(pack, lock);
        return { pack, path, salt, base, durable: base };
      }
    } catch (error) {
      // A pack that is missing or cannot be written is for a check to report.
      if (!hasCode(error, 'ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ELOOP')) {
        lock.release();
        throw toCairnError(error);
      }
    }
    lock.release();
    return undefined;
  }

  /** @returns `undefined` for a pack that is shorter than it should be, or whose head is damaged */
  #saltOf(pack: number, base: number): Buffer | undefined {
    const fd = fs.openSync(this.#path(pack), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      const head = fs.fstatSync(fd).size >= base ? headOf(fd) : undefined;
      return head?.id === pack ? head.salt : undefined;
    } finally {
      fs.closeSync(fd);
    }
  }

  #makeNew(): Lane {
    makeOnce(this.#layout.packs);
    for (let pack = this.#firstFree(); ; pack++) {
      const lock = tryLock(this.#layout.packLock(pack), true);
      if (lock === undefined) continue;
      this.#index.refresh();
      if (this.#index.packs.get(pack) !== undefined) {
        lock.release();
        continue;
      }
      const path = this.#path(pack);
      const salt = randomBytes(SALT_BYTES);
      try {
        makeFileDurably(path, packHead({ id: pack, salt }));
      } catch (error) {
        lock.release();
        if (hasCode(error, 'EEXIST')) continue;
        throw toCairnError(error);
      }
      this.#locks.set(pack, lock);
      return { pack, path, salt, base: BLOCK, durable: BLOCK };
    }
  }

  #firstFree(): number {
    let last = Math.max(lastPackOf(this.#index), ...this.#ids());
    for (const pack of this.#index.packs.keys()) last = Math.max(last, pack);
    return last + 1;
  }

  /** Of the packs that are there. */
  #ids(): number[] {
    const names = fs.existsSync(this.#layout.packs) ? fs.readdirSync(this.#layout.packs) : [];
    return names.flatMap((name) => idOfPackFile(name) ?? []);
  }
}
