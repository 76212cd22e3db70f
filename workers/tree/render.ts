/** Makes the files of a plan on a worker. Symlinks are never followed; nothing is overwritten or deleted. */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath, toText } from '../../engine/core/bytes.js';
import { CairnError, hasCode } from '../../engine/core/errors.js';
import { below } from '../../engine/core/path.js';
import { fileKinds, mknod } from '../../engine/disk/native.js';
import { feasibleDirectoryMode, feasibleMode, isRefusal } from '../../engine/disk/set-metadata.js';
import type { ObjectHome } from '../../engine/objects/home.js';
import { homeAt } from '../../engine/objects/homes.js';
import { contentOf, type ShardRow, unpackShard } from '../../engine/plan/shard.js';
import { finishPath } from '../files/finish-path.js';
import { shifted } from '../files/shift-owners.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { Skipped } from '../tasks/parts.js';
import type { FinishDirectoriesTask, JoinTask, RenderResult, RenderTask } from '../tasks/render.js';
import { addSkipped } from '../tasks/skipped.js';

/** Rows between two looks at whether the task is cancelled. */
const CHECK_EVERY = 256;

export function renderShard(task: RenderTask): RenderResult {
  return new ShardRenderer(task).run();
}

class ShardRenderer {
  readonly #task: RenderTask;
  readonly #root: ByteString;
  readonly #home: ObjectHome;
  readonly #skipped: Skipped = {};
  readonly #copies: Record<string, number> = {};

  constructor(task: RenderTask) {
    this.#task = task;
    this.#root = fromText(task.root);
    this.#home = homeAt(task.objects);
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
    return { skipped: this.#skipped, copies: this.#copies };
  }

  /** Mode and times are set when everything below exists. Until then the owner must be able to write. */
  #directory(path: ByteString, row: ShardRow): void {
    try {
      fs.mkdirSync(toFsPath(path), this.#task.identity.overridesModes ? row.mode & 0o777 : 0o700);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }

  #file(path: ByteString, row: ShardRow): void {
    const { mode, root } = this.#task;
    const file = contentOf(row);
    const { copy, isFinished } = this.#home.materialise(file, toFsPath(path), mode, `${root}.copy`);
    // Existing copies are noted, too: a crash may have kept their maker from noting them.
    if (copy > 0) this.#noteCopy(this.#home.nameOf(file), copy);
    if (isFinished) return;
    const own = shifted(row, this.#task.uidShift);
    this.#finish(path, own, feasibleMode(own.mode, this.#task.identity), true);
  }

  #noteCopy(name: string, copy: number): void {
    this.#copies[name] = Math.max(this.#copies[name] ?? 0, copy);
  }

  #special(path: ByteString, row: ShardRow): void {
    if (row.type === 'symlink') {
      fs.symlinkSync(toFsPath(row.source), toFsPath(path));
      this.#finish(path, row, undefined, false);
      return;
    }
    try {
      mknod(path, fileKinds[row.type as keyof typeof fileKinds], row.mode & 0o777, row);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      addSkipped(this.#skipped, row.type === 'fifo' ? 'fifo' : 'device', toText(row.path));
      return;
    }
    this.#finish(path, row, row.mode, false);
  }

  #finish(path: ByteString, row: ShardRow, mode: number | undefined, forceMode: boolean): void {
    for (const what of finishPath(path, row, { mode, forceMode, identity: this.#task.identity }))
      addSkipped(this.#skipped, what, toText(row.path));
  }
}

export function finishDirectories(task: FinishDirectoriesTask): { skipped: Skipped } {
  const root = fromText(task.root);
  const skipped: Skipped = {};
  // Deepest first: once a directory's mode is set, its owner may not be able to reach entries below it.
  for (const row of unpackShard(task.shard).reverse()) {
    const own = shifted(row, task.uidShift);
    const mode = feasibleDirectoryMode(row.mode, task.identity);
    // The root of a checkout exists already, for its maker alone.
    const forceMode = !task.identity.overridesModes || row.path === '';
    for (const what of finishPath(below(root, row.path), own, { mode, forceMode, identity: task.identity }))
      addSkipped(skipped, what, toText(row.path));
  }
  return { skipped };
}

export function joinLinks(task: JoinTask): null {
  const root = fromText(task.root);
  for (const [existing, added] of task.links) {
    const from = below(root, existing);
    // A file that could not be made gets no further names.
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
