/**
 * Looks into a directory as a process does whose root it is. Symlinks in it are followed inside it, and `..` never
 * leads out, whatever the files in it are and whoever changes them meanwhile: each step goes from the descriptor of a
 * directory to the next.
 */
import * as fs from 'node:fs';
import { type ByteString, toBuffer, toFsPath } from '../core/bytes.js';
import { hasCode } from '../core/errors.js';
import { MAX_SYMLINK_HOPS } from '../core/limits.js';

/** Only names a place, which takes no right to read it and wakes no device. Node has no name for it. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_NONBLOCK } = fs.constants;
/** Parts of paths that one lookup passes, those of symlinks among them: twice as many as the longest path has. */
const MOST_STEPS = 5000;

/** What a path leads to. */
export interface Inside {
  /** Absolute in the root, without symlinks; of what is not there, as it would be called. */
  path: ByteString;
  /** Absent where nothing is, and where nobody can tell. */
  stat?: fs.Stats;
  /**
   * Why there is no stat: `missing`, `loop` of symlinks, a `file` on the way where a directory should be, or `unseen`
   * below a file system that is yet to be mounted.
   */
  lacks?: 'missing' | 'loop' | 'file' | 'unseen';
}

/** What shows at a path inside: a file or directory of the system, or a file system that is yet to be mounted. */
export type Covered = ReadonlyMap<ByteString, string | undefined>;

export interface FindOptions {
  /** Whether a symlink at the end is followed. It is by default. */
  followLast?: boolean;
}

interface Step {
  fd: number;
  path: ByteString;
}

export class RootDirectory {
  readonly #root: string;
  readonly #covered: Covered;

  /** @param covered what hides parts of the root; by paths without symlinks */
  constructor(root: string, covered: Covered = new Map()) {
    this.#root = root;
    this.#covered = covered;
  }

  /** @throws the system's error for what is no matter of the path, such as EACCES */
  find(path: ByteString, options: FindOptions = {}): Inside {
    return this.#walk(path, options, ({ inside }) => inside);
  }

  /**
   * Reads a regular file that {@link find} found. Never waits.
   * @returns undefined if there is no regular file any more
   */
  read(path: ByteString, most: number): Buffer | undefined {
    return this.#walk(path, { followLast: false }, ({ fd, inside }) => {
      if (fd === undefined || inside.stat?.isFile() !== true) return undefined;
      const open = fs.openSync(`/proc/self/fd/${fd}`, O_RDONLY | O_NONBLOCK);
      try {
        const bytes = Buffer.alloc(Math.min(fs.fstatSync(open).size, most));
        return bytes.subarray(0, fs.readSync(open, bytes, 0, bytes.length, 0));
      } finally {
        fs.closeSync(open);
      }
    });
  }

  /**
   * Works in a directory inside by a path that leads nowhere else, even if the directory is exchanged meanwhile.
   * @returns undefined if there is no such directory
   */
  within<T>(path: ByteString, work: (directory: string) => T): T | undefined {
    return this.#walk(path, { followLast: false }, ({ fd, inside }) =>
      fd === undefined || inside.stat?.isDirectory() !== true ? undefined : work(`/proc/self/fd/${fd}`),
    );
  }

  #walk<T>(
    path: ByteString,
    { followLast = true }: FindOptions,
    work: (found: { inside: Inside; fd?: number }) => T,
  ): T {
    const stack = new Stack(open(this.#root, O_DIRECTORY));
    try {
      const rest = path.split('/').reverse();
      let hops = 0;
      for (let steps = 0; rest.length > 0; steps++) {
        const part = rest.pop() as string;
        const { fd: at, path: here } = stack.top;
        if (part === '' || part === '.') continue;
        if (part === '..') {
          stack.cut(stack.depth - 1);
          continue;
        }
        const next = `${here}/${part}`;
        if (steps > MOST_STEPS) return work({ inside: { path: next, lacks: 'loop' } });
        const found = this.#open(at, next, part);
        if (typeof found === 'string') {
          const named = rest.reduceRight(append, next);
          if (!rest.includes('..')) return work({ inside: { path: named, lacks: found } });
          // By its name alone the way leads back to where something may be.
          if (++hops > MAX_SYMLINK_HOPS) return work({ inside: { path: named, lacks: 'loop' } });
          stack.cut(0);
          rest.splice(0, rest.length, ...named.split('/').reverse());
          continue;
        }
        stack.push({ fd: found, path: next });
        const stat = fs.fstatSync(found);
        const isLast = rest.every((each) => each === '' || each === '.');
        if (stat.isSymbolicLink() && (!isLast || followLast)) {
          if (++hops > MAX_SYMLINK_HOPS) return work({ inside: { path: next, lacks: 'loop' } });
          const target = readLink(at, part);
          stack.cut(target.startsWith('/') ? 0 : stack.depth - 1);
          rest.push(...target.split('/').reverse());
          continue;
        }
        if (!stat.isDirectory() && !isLast) return work({ inside: { path: next, lacks: 'file' } });
      }
      const { fd, path: end } = stack.top;
      return work({ inside: { path: end || '/', stat: fs.fstatSync(fd) }, fd });
    } finally {
      stack.close();
    }
  }

  /** Opens what shows at a path inside, or says why that cannot be. */
  #open(directory: number, path: ByteString, name: ByteString): number | 'missing' | 'unseen' {
    try {
      if (!this.#covered.has(path)) return open(toFsPath(`/proc/self/fd/${directory}/${name}`), O_NOFOLLOW);
      const source = this.#covered.get(path);
      return source === undefined ? 'unseen' : open(source, 0);
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) throw error;
      const isOnTheWay = [...this.#covered.keys()].some((each) => each.startsWith(`${path}/`));
      return isOnTheWay ? 'unseen' : 'missing';
    }
  }
}

/** The directories from the root to where a lookup is, each open. */
class Stack {
  readonly #steps: Step[];

  constructor(root: number) {
    this.#steps = [{ fd: root, path: '' }];
  }

  get top(): Step {
    return this.#steps.at(-1) as Step;
  }

  /** How far below the root. */
  get depth(): number {
    return this.#steps.length - 1;
  }

  push(step: Step): void {
    this.#steps.push(step);
  }

  /** Goes back to a depth; the root stays. */
  cut(depth: number): void {
    while (this.depth > Math.max(0, depth)) fs.closeSync((this.#steps.pop() as Step).fd);
  }

  close(): void {
    for (const { fd } of this.#steps.splice(0)) fs.closeSync(fd);
  }
}

function open(at: string | Buffer, flags: number): number {
  return fs.openSync(at, flags | O_PATH);
}

function readLink(directory: number, name: ByteString): ByteString {
  return fs.readlinkSync(toBuffer(`/proc/self/fd/${directory}/${name}`), 'latin1');
}

/** The path of what is not there, by its name alone. */
function append(path: ByteString, part: ByteString): ByteString {
  if (part === '' || part === '.') return path;
  return part === '..' ? path.slice(0, path.lastIndexOf('/')) : `${path}/${part}`;
}
