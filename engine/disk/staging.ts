/**
 * The place where one open store writes what is not yet complete: `staging/<session>/`. A lock inside is held as long
 * as the process lives. A process that gets this lock knows that the session is over, and may sweep it.
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join, relative, sep } from 'node:path';
import { hasCode } from '../core/errors.js';
import type { Identity } from '../core/metadata.js';
import { findIdentity, handNothingDown } from './identity.js';
import { sessionLock } from './layout.js';
import { type Lock, tryLock } from './lock.js';

export class Staging {
  readonly #root: string;
  #dir: string | undefined;
  #lock: Lock | undefined;
  #next = 0;
  /** Names of directories that the next gc will need. */
  readonly #abandoned = new Set<string>();
  #identity: Identity | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** This session's name, once it has staged anything. */
  get session(): string | undefined {
    return this.#dir === undefined ? undefined : this.#dir.slice(this.#root.length + 1);
  }

  /** What new files here get, and what may be done to them. */
  get identity(): Identity {
    this.#identity ??= findIdentity(this.#session());
    return this.#identity;
  }

  /** A new empty directory. */
  make(): string {
    const made = join(this.#session(), `${this.#next++}`);
    fs.mkdirSync(made, { mode: 0o700 });
    return made;
  }

  #session(): string {
    if (this.#dir === undefined) {
      const dir = join(this.#root, randomUUID());
      fs.mkdirSync(dir, { mode: 0o700 });
      handNothingDown(dir);
      // A process that looks for dead sessions may hold the lock for a moment.
      do this.#lock = tryLock(sessionLock(dir), true);
      while (this.#lock === undefined);
      this.#dir = dir;
    }
    return this.#dir;
  }

  /**
   * Leaves a directory to the next gc: files were moved out of it and then not committed, and its notes name them.
   * @param dir a directory made by {@link make}, or one below it
   */
  abandon(dir: string): void {
    this.#abandoned.add(this.#nameOf(dir));
  }

  isAbandoned(dir: string): boolean {
    return this.#abandoned.has(this.#nameOf(dir));
  }

  #nameOf(dir: string): string {
    return relative(this.#dir as string, dir).split(sep)[0] as string;
  }

  /** Ends the session. Deletes what it left, except abandoned directories. */
  close(): void {
    if (this.#dir === undefined) return;
    try {
      this.#clear(this.#dir);
    } catch {
      // The next gc deletes the rest, as it does for a session that was killed.
    }
    this.#lock?.release();
    this.#dir = undefined;
  }

  #clear(session: string): void {
    if (this.#abandoned.size === 0) fs.rmSync(session, { recursive: true, force: true });
    else {
      for (const name of fs.readdirSync(session)) {
        const path = join(session, name);
        if (path !== sessionLock(session) && !this.#abandoned.has(name)) fs.rmSync(path, { recursive: true });
      }
    }
  }
}

/** Sessions whose process is gone, each locked so that nobody else sweeps the same session. */
export function* deadSessions(root: string, own: string | undefined): Generator<{ dir: string; lock: Lock }> {
  for (const name of fs.readdirSync(root)) {
    if (name === own) continue;
    const dir = join(root, name);
    let lock: Lock | undefined;
    try {
      lock = tryLock(sessionLock(dir), true);
    } catch (error) {
      // Another gc has just swept it.
      if (hasCode(error, 'ENOENT')) continue;
      throw error;
    }
    if (lock !== undefined) yield { dir, lock };
  }
}
