/** A tree as a tar: its files' contents come from objects, or from the directory that the tree was listed in. */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath, toText } from '../../engine/core/bytes.js';
import { CairnError, hasCode, toCairnError } from '../../engine/core/errors.js';
import { baseOf, below, parentOf } from '../../engine/core/path.js';
import { Beneath } from '../../engine/disk/beneath.js';
import { openFileStat } from '../../engine/disk/stat.js';
import { homeAt } from '../../engine/objects/homes.js';
import { contentOf, type ShardRow, unpackShard } from '../../engine/plan/shard.js';
import { checkCancelled } from '../tasks/control.js';
import type { Control, DirectoryFiles, TreeTar } from '../tasks/parts.js';
import { packTree } from './pack-tree.js';

const CHUNK = 1 << 20;

/** @throws CairnError `ERR_IO` naming the path, for a file of a directory that is not as it was when it was listed */
export function* treeBytes(tree: TreeTar, control: Control): Generator<Buffer> {
  const { shard, sizes, manifest } = tree;
  const home = homeAt(tree.objects);
  const directory = tree.directory === undefined ? undefined : new DirectoryReader(tree.directory, control);
  const contentOfRow = (row: ShardRow, size: number, i: number): Iterable<Buffer> =>
    row.source === '' && directory !== undefined
      ? directory.contentOf(row.path, size, i)
      : home.open(home.nameOf(contentOf(row)), { size, sha512: row.source });
  const rows = unpackShard(shard);
  try {
    yield* packTree({ rows, sizes, groups: tree.groups.split('\0'), contentOf: contentOfRow, manifest });
  } finally {
    directory?.close();
  }
}

/** Reads files that others may be changing. Follows no symlink and waits for no pipe, whatever takes a file's place. */
class DirectoryReader {
  readonly #files: DirectoryFiles;
  readonly #beneath: Beneath;
  readonly #control: Control;

  constructor(files: DirectoryFiles, control: Control) {
    this.#files = files;
    this.#beneath = new Beneath(files.root);
    this.#control = control;
  }

  *contentOf(path: ByteString, size: number, i: number): Generator<Buffer> {
    const fd = this.#open(path);
    try {
      let left = size;
      while (left > 0) {
        checkCancelled(this.#control);
        const room = Buffer.allocUnsafe(Math.min(left, CHUNK));
        const taken = fs.readSync(fd, room, 0, room.length, null);
        if (taken === 0) throw this.#changed(path);
        left -= taken;
        yield room.subarray(0, taken);
      }
      // One look after the last byte tells of all that happened since the file was listed.
      const { type, size: now, ino, changedSec, changedNsec } = openFileStat(fd);
      const { inodes, changes } = this.#files;
      const isSame = ino === inodes[i] && changedSec === changes[2 * i] && changedNsec === changes[2 * i + 1];
      if (!isSame || type !== 'file' || now !== size) throw this.#changed(path);
    } catch (error) {
      throw hasCode(error, 'EIO', 'EISDIR') ? this.#unreadable(path, error) : error;
    } finally {
      fs.closeSync(fd);
    }
  }

  #open(path: ByteString): number {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
    try {
      const directory = this.#beneath.directory(parentOf(path));
      if (directory === undefined) throw this.#changed(path);
      return fs.openSync(toFsPath(`${directory.path}/${baseOf(path)}`), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO')) throw this.#changed(path);
      throw this.#unreadable(path, error);
    }
  }

  #changed(path: ByteString): CairnError {
    const full = this.#pathOf(path);
    return new CairnError('ERR_IO', `${full} changed while it was read; try again when nobody writes to it`, {
      path: full,
      entry: toText(path),
    });
  }

  /** The path that was opened leads through the descriptor of a directory, and means nothing to users. */
  #unreadable(path: ByteString, cause: unknown): unknown {
    const full = this.#pathOf(path);
    const system = cause as NodeJS.ErrnoException;
    if (typeof system.code !== 'string' || cause instanceof CairnError) return cause;
    return toCairnError(Object.assign(new Error(`${system.code}: cannot read '${full}'`), { ...system, path: full }));
  }

  #pathOf(path: ByteString): string {
    return toText(below(fromText(this.#files.root), path));
  }

  close(): void {
    this.#beneath.close();
  }
}
