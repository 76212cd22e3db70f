/** The read path's hands: makes what a plan says. Nothing here is ever followed, overwritten or deleted. */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath, toText } from '../../engine/core/bytes.js';
import { CairnError, hasCode } from '../../engine/core/errors.js';
import { below } from '../../engine/core/path.js';
import { syncFile } from '../../engine/disk/durable.js';
import { shardedPath } from '../../engine/disk/layout.js';
import { fileKinds, mknod } from '../../engine/disk/native.js';
import { variantOf } from '../../engine/objects/name.js';
import { type ShardRow, unpackShard } from '../../engine/plan/shard.js';
import { copyFile } from '../files/clone.js';
import {
  feasibleDirectoryMode,
  feasibleMode,
  isRefusal,
  needsChmod,
  needsOwner,
  setPathTimes,
  setXattrs,
} from '../files/metadata.js';
import { shifted } from '../files/shift-owners.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { Identity, Skipped } from '../tasks/parts.js';
import type { JoinTask, RenderResult, RenderTask, SettleTask } from '../tasks/render.js';

/** How often a long loop looks whether it should stop. */
const CHECK_EVERY = 256;
const MAX_EXAMPLES = 10;

class SkippedList {
  readonly record: Skipped = {};

  add(path: ByteString, whats: readonly string[]): void {
    for (const what of whats) {
      this.record[what] ??= { count: 0, paths: [] };
      const known = this.record[what] as Skipped[string];
      known.count++;
      if (known.paths.length < MAX_EXAMPLES) known.paths.push(toText(path));
    }
  }
}

export function renderShard(task: RenderTask): RenderResult {
  return new ShardRenderer(task).run();
}

class ShardRenderer {
  readonly #task: RenderTask;
  readonly #root: ByteString;
  readonly #skipped = new SkippedList();
  readonly #copies: Record<string, number> = {};

  constructor(task: RenderTask) {
    this.#task = task;
    this.#root = fromText(task.root);
  }

  run(): RenderResult {
    const rows = unpackShard(this.#task.shard);
    rows.forEach((row, i) => {
      if (i % CHECK_EVERY === 0) {
        checkCancelled(this.#task.control);
        countItems(this.#task.control, Math.min(CHECK_EVERY, rows.length - i));
      }
      const path = below(this.#root, row.path);
      if (row.type === 'dir') this.#directory(path, row);
      else if (row.type === 'file') this.#file(path, row);
      else this.#special(path, shifted(row, this.#task.uidShift));
    });
    return { skipped: this.#skipped.record, copies: this.#copies };
  }

  /** Mode and times are set once everything below exists; until then its owner must be able to write. */
  #directory(path: ByteString, row: ShardRow): void {
    try {
      fs.mkdirSync(toFsPath(path), this.#task.identity.uid === 0 ? row.mode & 0o777 : 0o700);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }

  #file(path: ByteString, row: ShardRow): void {
    const { mode, objects } = this.#task;
    const name = `${row.source}.${variantOf(row)}`;
    const object = shardedPath(objects, name);
    try {
      if (mode === 'link') fs.linkSync(object, toFsPath(path));
      else this.#copy(object, path, shifted(row, this.#task.uidShift));
    } catch (error) {
      if (mode === 'link' && hasCode(error, 'EMLINK')) this.#linkToCopy(name, object, path);
      else if (hasCode(error, 'ENOENT') && !fs.existsSync(object)) {
        throw new CairnError('ERR_DAMAGED', `an object is missing; "cairn fsck" tells which images need it`, {
          path: object,
        });
      } else throw error;
    }
  }

  #copy(object: string, path: ByteString, row: ShardRow): void {
    const { mode } = this.#task;
    const flag = mode === 'reflink' ? fs.constants.COPYFILE_FICLONE_FORCE : 0;
    try {
      fs.copyFileSync(object, toFsPath(path), flag | fs.constants.COPYFILE_EXCL);
    } catch (error) {
      if (mode !== 'reflink' || !hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'ENOSYS')) throw error;
      throw new CairnError('ERR_UNSUPPORTED', 'this file system has no reflinks; use --mode copy', { cause: error });
    }
    this.#finish(path, row, feasibleMode(row.mode, this.#task.identity), true);
  }

  /**
   * The object has as many links as the file system allows (65 000 on ext4), so one more copy of it takes over. Copies are
   * numbered; every worker looks for room in the same order, and a rename without overwriting decides races.
   */
  #linkToCopy(name: string, object: string, path: ByteString): void {
    for (let n = 1; ; n++) {
      const copy = `${object}+${n}`;
      if (!fs.existsSync(copy)) this.#makeCopy(object, copy, `${name}+${n}`);
      try {
        fs.linkSync(copy, toFsPath(path));
        // Also one that was there: a crash may have kept whoever made it from telling.
        this.#copies[`${name}+${n}`] = Number(fs.statSync(copy).size);
        return;
      } catch (error) {
        if (!hasCode(error, 'EMLINK')) throw error;
      }
    }
  }

  #makeCopy(object: string, copy: string, copyName: string): void {
    const temporary = `${this.#task.root}.${copyName.slice(-24)}.${process.pid}-${Math.random().toString(36).slice(2)}`;
    copyFile(object, temporary);
    try {
      // What lies outside staging must be complete, and this leaves it at once.
      syncFile(temporary);
      fs.linkSync(temporary, copy);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    } finally {
      fs.unlinkSync(temporary);
    }
  }

  #special(path: ByteString, row: ShardRow): void {
    if (row.type === 'symlink') {
      fs.symlinkSync(toFsPath(row.source), toFsPath(path));
      this.#finish(path, row, undefined, false);
      return;
    }
    try {
      mknod(path, fileKinds[row.type as keyof typeof fileKinds], row.mode & 0o777, row.devMajor, row.devMinor);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#skipped.add(row.path, [row.type === 'fifo' ? 'fifo' : 'device']);
      return;
    }
    this.#finish(path, row, row.mode, false);
  }

  #finish(path: ByteString, row: ShardRow, mode: number | undefined, created: boolean): void {
    finishPath(path, row, mode, this.#task.identity, this.#skipped, created);
  }
}

/** @param mode `undefined` for a symlink, whose mode means nothing */
function finishPath(
  path: ByteString,
  row: ShardRow,
  mode: number | undefined,
  identity: Identity,
  skipped: SkippedList,
  forceMode: boolean,
): void {
  let wanted = mode;
  let chmod = forceMode || (mode !== undefined && needsChmod(mode, identity));
  if (needsOwner(row, identity)) {
    chmod = true;
    try {
      fs.lchownSync(toFsPath(path), row.uid, row.gid);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      skipped.add(row.path, ['owner']);
      if (wanted !== undefined) wanted &= 0o1777;
    }
  }
  if (wanted !== undefined) {
    if (chmod) fs.chmodSync(toFsPath(path), wanted);
    if (wanted !== row.mode) skipped.add(row.path, ['mode']);
  }
  if (row.xattrs.length > 0) {
    skipped.add(row.path, setXattrs(path, row.xattrs));
    // An access control list among them has changed it.
    if (wanted !== undefined) fs.chmodSync(toFsPath(path), wanted);
  }
  skipped.add(row.path, setPathTimes(path, row.sec, row.nsec));
}

export function settleDirectories(task: SettleTask): { skipped: Skipped } {
  const root = fromText(task.root);
  const skipped = new SkippedList();
  // Deepest first: once its mode is set, an owner may not be able to reach what lies below.
  for (const row of unpackShard(task.shard).reverse()) {
    const own = shifted(row, task.uidShift);
    const mode = feasibleDirectoryMode(row.mode, task.identity);
    // The root of a checkout was there before, for its maker alone.
    const force = task.identity.uid !== 0 || row.path === '';
    finishPath(below(root, row.path), own, mode, task.identity, skipped, force);
  }
  return { skipped: skipped.record };
}

export function joinLinks(task: JoinTask): null {
  const root = fromText(task.root);
  for (const [existing, added] of task.links) {
    const from = below(root, existing);
    // What could not be made has no further names either.
    if (fs.lstatSync(toFsPath(from), { throwIfNoEntry: false }) === undefined) continue;
    try {
      fs.linkSync(toFsPath(from), toFsPath(below(root, added)));
    } catch (error) {
      if (!hasCode(error, 'EMLINK')) throw error;
      const why = `${toText(existing)} has more names than this file system allows one file`;
      throw new CairnError('ERR_LIMIT', why, { entry: toText(added), errno: 'EMLINK' });
    }
  }
  return null;
}
