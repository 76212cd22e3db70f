/**
 * Copies a directory with all that is in it and all metadata: owners, modes, times, extended attributes, hard links,
 * devices. Nobody else may be changing the source, nor see the copy before it is complete.
 */
import * as fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type ByteString, toFsPath, toText } from '../core/bytes.js';
import { hasCode, throwIfAborted } from '../core/errors.js';
import type { SkippedKind } from '../core/metadata.js';
import { isHostXattr } from './compare-metadata.js';
import { entriesIn } from './list-directory.js';
import { fileKinds, mknod } from './native.js';
import { isRefusal, setPathTimes, setXattrs, WITHOUT_RIGHTS } from './set-metadata.js';
import { type FileStat, fileStat } from './stat.js';
import { listXattrs } from './xattrs.js';

/** After so many files others get their turn. */
const TURN = 100;

export interface CopyOptions {
  signal?: AbortSignal | undefined;
  /** Whether files share their content with the source: `COPYFILE_FICLONE_FORCE`, else whatever is possible. */
  mustShare?: boolean;
  /** Told of metadata that the copy lacks, since the system refused it. */
  onSkipped?: (kind: SkippedKind, path: string) => void;
  /** Told of each file. */
  onFile?: () => void;
}

/** @param to a directory that is there already, and is given the source's metadata at the end */
export async function copyDirectory(from: ByteString, to: ByteString, options: CopyOptions = {}): Promise<void> {
  await new Copying(options).directory(from, to);
}

class Copying {
  readonly #options: CopyOptions;
  /** The first copy of each file that has several names. */
  readonly #known = new Map<string, ByteString>();
  #count = 0;

  constructor(options: CopyOptions) {
    this.#options = options;
  }

  async directory(from: ByteString, to: ByteString): Promise<void> {
    for (const { name } of entriesIn(from)) {
      if (++this.#count % TURN === 0) await setImmediate();
      throwIfAborted(this.#options.signal);
      const [source, copy] = [`${from}/${name}`, `${to}/${name}`];
      const stat = fileStat(source);
      if (stat === undefined) continue;
      if (stat.type === 'dir') {
        fs.mkdirSync(toFsPath(copy), { mode: 0o700 });
        await this.directory(source, copy);
      } else this.#leaf(source, copy, stat);
    }
    const stat = fileStat(from);
    if (stat !== undefined) this.#finish(from, to, stat);
  }

  #leaf(from: ByteString, to: ByteString, stat: FileStat): void {
    this.#options.onFile?.();
    const inode = `${stat.device}:${stat.ino}`;
    const first = this.#known.get(inode);
    if (first !== undefined) {
      fs.linkSync(toFsPath(first), toFsPath(to));
      return;
    }
    if (!this.#make(from, to, stat)) return;
    if (fs.lstatSync(toFsPath(from)).nlink > 1) this.#known.set(inode, to);
    this.#finish(from, to, stat);
  }

  /** @returns false if the system refuses to make it */
  #make(from: ByteString, to: ByteString, stat: FileStat): boolean {
    const { COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE } = fs.constants;
    const clone = this.#options.mustShare === true ? COPYFILE_FICLONE_FORCE : COPYFILE_FICLONE;
    switch (stat.type) {
      case 'file':
        fs.copyFileSync(toFsPath(from), toFsPath(to), COPYFILE_EXCL | clone);
        return true;
      case 'symlink':
        fs.symlinkSync(fs.readlinkSync(toFsPath(from), 'buffer'), toFsPath(to));
        return true;
      case 'fifo':
      case 'char':
      case 'block':
        try {
          mknod(to, fileKinds[stat.type], 0o600, stat);
          return true;
        } catch (error) {
          if (!hasCode(error, 'EPERM')) throw error;
          this.#skipped(stat.type === 'fifo' ? 'fifo' : 'device', from);
          return false;
        }
      default:
        // Sockets are no content: nobody listens at a copy.
        return false;
    }
  }

  #finish(from: ByteString, to: ByteString, stat: FileStat): void {
    for (const kind of copyMetadata(from, to, stat)) this.#skipped(kind, from);
  }

  #skipped(kind: SkippedKind, path: ByteString): void {
    this.#options.onSkipped?.(kind, toText(path));
  }
}

/** Gives one inode the metadata of another. @returns what the system refused */
export function copyMetadata(from: ByteString, to: ByteString, stat: FileStat): SkippedKind[] {
  const skipped: SkippedKind[] = [];
  let { mode } = stat;
  try {
    fs.lchownSync(toFsPath(to), stat.uid, stat.gid);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    skipped.push('owner');
    mode &= WITHOUT_RIGHTS;
  }
  if (stat.type !== 'symlink') fs.chmodSync(toFsPath(to), mode);
  const xattrs = [...(listXattrs(from) ?? [])].map(([name, value]) => ({ name, value }));
  const own = xattrs.filter(({ name }) => !isHostXattr(name));
  skipped.push(...setXattrs(to, own), ...setPathTimes(to, stat.sec, stat.nsec));
  return skipped;
}
