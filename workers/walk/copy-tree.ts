/** Copies a file or a directory with all metadata. Follows no symlink, and overwrites nothing. */
import * as fs from 'node:fs';
import { basename, dirname } from 'node:path';
import { type ByteString, fromText, toFsPath, toText } from '../../engine/core/bytes.js';
import { CairnError } from '../../engine/core/errors.js';
import { below } from '../../engine/core/path.js';
import { fileKinds, mknod } from '../../engine/disk/native.js';
import { isRefusal } from '../../engine/disk/set-metadata.js';
import { fileStat } from '../../engine/disk/stat.js';
import { type ShardRow, unpackShard } from '../../engine/plan/shard.js';
import { finishPath } from '../files/finish-path.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import { isAsSeen, type Seen } from '../tasks/seen.js';
import { addSkipped } from '../tasks/skipped.js';
import type { CopiedTree, CopyTreeTask, Listing } from '../tasks/walk.js';
import { Looker } from './look.js';

export function copyTree(task: CopyTreeTask): CopiedTree {
  const { listing, root, top } = listedSource(task);
  const copier = new Copier(task, listing, { root, top });
  return copier.run();
}

/** What is to be copied. A file is listed in its directory. */
function listedSource({ source, control }: CopyTreeTask): { listing: Listing; root: string; top: ByteString } {
  const isDirectory = fileStat(fromText(source))?.type === 'dir';
  const root = isDirectory ? source : dirname(source);
  const top = isDirectory ? '' : fromText(basename(source));
  const looker = new Looker(root, control);
  try {
    const stat = looker.statOf(top);
    if (stat === undefined)
      throw new CairnError('ERR_NOT_FOUND', `no such file or directory: ${source}`, { path: source });
    looker.add(top, stat);
    if (isDirectory) looker.addBelow('');
    return { listing: looker.finish(), root, top };
  } finally {
    looker.close();
  }
}

class Copier {
  readonly #task: CopyTreeTask;
  readonly #from: ByteString;
  readonly #to: ByteString;
  readonly #top: ByteString;
  readonly #rows: { row: ShardRow; i: number }[];
  readonly #seen: Seen;
  readonly #listing: Listing;
  /** Inode → the first copy of it. */
  readonly #copies = new Map<bigint, ByteString>();
  readonly #result: CopiedTree;

  constructor(task: CopyTreeTask, listing: Listing, { root, top }: { root: string; top: ByteString }) {
    this.#task = task;
    this.#from = fromText(root);
    this.#to = fromText(task.target);
    this.#top = top;
    this.#listing = listing;
    this.#seen = listing.seen;
    this.#rows = unpackShard(listing.shard).map((row, i) => ({ row, i }));
    this.#rows.sort((a, b) => (a.row.path < b.row.path ? -1 : 1));
    const { sockets, mounts } = listing;
    this.#result = { files: 0, bytes: 0, skipped: {}, sockets, mounts };
  }

  run(): CopiedTree {
    for (const { row, i } of this.#rows) {
      checkCancelled(this.#task.control);
      countItems(this.#task.control, 1);
      this.#make(row, i);
    }
    // Deepest first: once a directory's mode is set, its owner may not be able to reach entries below it.
    for (const { row } of this.#rows.toReversed()) if (row.type === 'dir') this.#finish(row, row.mode);
    return this.#result;
  }

  #make(row: ShardRow, i: number): void {
    const to = this.#pathOf(row);
    if (row.type === 'dir') {
      fs.mkdirSync(toFsPath(to), { mode: 0o700 });
      return;
    }
    if (this.#isLinked(i, to)) return;
    if (row.type === 'file') this.#copy(row, i, to);
    else if (row.type === 'symlink') fs.symlinkSync(toFsPath(row.source), toFsPath(to));
    else if (!this.#makeNode(row, to)) return;
    this.#finish(row, row.type === 'symlink' ? undefined : row.mode);
  }

  /** Gives a copy that was made before one more name. */
  #isLinked(i: number, to: ByteString): boolean {
    const ino = this.#seen.inodes[i] as bigint;
    if ((this.#listing.links[i] as number) < 2) return false;
    const first = this.#copies.get(ino);
    if (first === undefined) {
      this.#copies.set(ino, to);
      return false;
    }
    if (fs.lstatSync(toFsPath(first), { throwIfNoEntry: false }) !== undefined)
      fs.linkSync(toFsPath(first), toFsPath(to));
    return true;
  }

  #copy(row: ShardRow, i: number, to: ByteString): void {
    const from = below(this.#from, row.path);
    fs.copyFileSync(toFsPath(from), toFsPath(to), fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
    const stat = fileStat(from);
    if (stat === undefined || !isAsSeen(this.#seen, i, stat)) {
      const path = toText(from);
      throw new CairnError('ERR_IO', `${path} changed while it was copied; try again when nobody writes to it`, {
        path,
      });
    }
    this.#result.files++;
    this.#result.bytes += stat.size;
  }

  #makeNode(row: ShardRow, to: ByteString): boolean {
    try {
      mknod(to, fileKinds[row.type as keyof typeof fileKinds], row.mode & 0o777, row);
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      addSkipped(this.#result.skipped, row.type === 'fifo' ? 'fifo' : 'device', toText(row.path));
      return false;
    }
  }

  #finish(row: ShardRow, mode: number | undefined): void {
    for (const what of finishPath(this.#pathOf(row), row, { mode, forceMode: true, identity: this.#task.identity }))
      addSkipped(this.#result.skipped, what, toText(row.path));
  }

  #pathOf({ path }: ShardRow): ByteString {
    return path === this.#top ? this.#to : below(this.#to, path);
  }
}
