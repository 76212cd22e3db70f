/** Deletes files and directories that are out of sight already, on all workers at once. */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath } from '../core/bytes.js';
import type { StoreContext } from '../session/context.js';
import { sayLeftBehind } from '../session/context.js';
import type { Pool } from '../session/pool.js';

/** Enough pieces that a large one does not hold up the end. */
const PIECES_PER_WORKER = 16;
/** Directories are taken apart no further down than this. */
const SPREAD_DEPTH = 6;

/** Does `rm -rf`, without following symlinks. Missing paths are fine. */
export async function deletePaths(pool: Pool, paths: readonly string[]): Promise<void> {
  const wanted = pool.size * PIECES_PER_WORKER;
  const { pieces, opened } = spread(paths.map(fromText), wanted);
  const length = Math.ceil(pieces.length / wanted);
  const shares = Array.from({ length: Math.min(wanted, pieces.length) }, (_none, i) =>
    pieces.slice(i * length, (i + 1) * length),
  ).filter((share) => share.length > 0);
  await pool.during({}, async (work) => {
    try {
      // A path that cannot be removed does not keep the others from being removed.
      const tasks = shares.map((share) => ({ paths: share }));
      await work.map('remove', tasks, { keepGoing: true });
    } finally {
      if (opened.length > 0) await work.ask('remove', { paths: opened });
    }
  });
}

/** As {@link deletePaths} on one worker, for paths that hold little. */
export async function deleteSmall(pool: Pool, paths: readonly string[]): Promise<void> {
  await pool.map('remove', [{ paths: paths.map(fromText) }]);
}

/**
 * Deletes paths that are not needed any more, in staging or beside a destination. If that fails it gives a notice and
 * leaves the paths to the next gc: the work done before, which is acknowledged, must not turn into a failure.
 */
export async function discard(store: StoreContext, paths: readonly string[], remove = deletePaths): Promise<void> {
  if (paths.length === 0) return;
  try {
    await remove(store.pool, paths);
  } catch (error) {
    sayLeftBehind(store, error);
  }
}

/** As {@link discard}, for directories that operations made in staging. Leaves those that gc will need. */
export class StagedDiscards {
  readonly #store: StoreContext;
  #dirs: string[] = [];
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  /** Collects directories while earlier ones are being deleted, then deletes all in one task, not in a task each. */
  discard(dir: string): Promise<void> {
    if (this.#store.staging.isAbandoned(dir)) return Promise.resolve();
    this.#dirs.push(dir);
    this.#next ??= this.#last.then(() => {
      const dirs = this.#dirs;
      this.#dirs = [];
      this.#next = undefined;
      this.#last = discard(this.#store, dirs, deleteSmall);
      return this.#last;
    });
    return this.#next;
  }
}

/** {@link StagedDiscards} for a single directory. */
export async function discardStaged(store: StoreContext, dir: string): Promise<void> {
  await new StagedDiscards(store).discard(dir);
}

/**
 * Takes directories apart until there are pieces for all workers.
 * @returns the pieces, which are to be deleted first, and the directories that held them
 */
function spread(paths: readonly ByteString[], wanted: number): { pieces: ByteString[]; opened: ByteString[] } {
  if (paths.length >= wanted) return { pieces: [...paths], opened: [] };
  const opened: ByteString[] = [];
  const leaves: ByteString[] = [];
  let directories: ByteString[] = [];
  for (const path of paths) (isDirectory(path) ? directories : leaves).push(path);
  for (let depth = 0; depth < SPREAD_DEPTH && directories.length > 0; depth++) {
    if (leaves.length + directories.length >= wanted) break;
    directories = directories.flatMap((path) => {
      const entries = entriesOf(path);
      if (entries === undefined) {
        leaves.push(path);
        return [];
      }
      opened.push(path);
      const deep: ByteString[] = [];
      for (const entry of entries) (entry.isDirectory() ? deep : leaves).push(`${path}/${entry.name}`);
      return deep;
    });
  }
  return { pieces: [...directories, ...leaves], opened };
}

function isDirectory(path: ByteString): boolean {
  return fs.lstatSync(toFsPath(path), { throwIfNoEntry: false })?.isDirectory() === true;
}

function makeWritable(path: ByteString): void {
  const { W_OK, R_OK, X_OK } = fs.constants;
  try {
    fs.accessSync(toFsPath(path), R_OK | W_OK | X_OK);
  } catch {
    fs.chmodSync(toFsPath(path), 0o700);
  }
}

/**
 * Lists a directory. Makes it writable first, so that its entries can be removed whatever its mode was.
 * @returns `undefined` for a directory that cannot be listed; a worker finds out why
 */
function entriesOf(path: ByteString): fs.Dirent[] | undefined {
  try {
    makeWritable(path);
    return fs.readdirSync(toFsPath(path), { withFileTypes: true, encoding: 'latin1' });
  } catch {
    return undefined;
  }
}
