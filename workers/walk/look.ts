/** Looks at paths of a directory, one by one, and collects what it sees in columns. */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath, toText } from '../../engine/core/bytes.js';
import { CairnError, toCairnError } from '../../engine/core/errors.js';
import type { NodeType, Xattr } from '../../engine/core/metadata.js';
import { baseOf, below, joinPath, parentOf } from '../../engine/core/path.js';
import { Beneath, type OpenDirectory } from '../../engine/disk/beneath.js';
import { isOfMachine } from '../../engine/disk/compare-metadata.js';
import { openForReading } from '../../engine/disk/file-bytes.js';
import { entriesIn } from '../../engine/disk/list-directory.js';
import { type FileStat, fileStatIn, openFileStat } from '../../engine/disk/stat.js';
import { listXattrs } from '../../engine/disk/xattrs.js';
import { packShard, type ShardRow } from '../../engine/plan/shard.js';
import { HASH_ROOM, hashOf } from '../files/hash-file.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { Control } from '../tasks/parts.js';
import { packSeen } from '../tasks/seen.js';
import type { Listing } from '../tasks/walk.js';

const CHECK_EVERY = 256;
const NO_XATTRS: readonly Xattr[] = [];

interface Found extends ShardRow {
  size: number;
  links: number;
}

export class Looker {
  readonly #root: string;
  readonly #control: Control;
  readonly #beneath: Beneath;
  readonly #found: Found[] = [];
  readonly #stats: FileStat[] = [];
  readonly #sockets: string[] = [];
  readonly #mounts: string[] = [];
  readonly #device: number;
  readonly #room = Buffer.allocUnsafeSlow(HASH_ROOM);
  #looks = 0;

  constructor(root: string, control: Control) {
    this.#root = root;
    this.#control = control;
    this.#beneath = new Beneath(root);
    this.#device = openFileStat(this.#beneath.root.fd).device;
  }

  /** What is at a path; `undefined` where nothing is, or no directory is above it any more. */
  statOf(path: ByteString): FileStat | undefined {
    this.#count();
    if (path === '') return openFileStat(this.#beneath.root.fd);
    return this.#at(path, (directory) => fileStatIn(directory, baseOf(path)));
  }

  /** Adds a row. @param hash also hash a file's content */
  add(path: ByteString, stat: FileStat, hash = false): void {
    const { type } = stat;
    if (type === 'socket') {
      this.#sockets.push(path);
      return;
    }
    if (type === 'dir' && stat.device !== this.#device) this.#mounts.push(path);
    const row = this.#at(path, (directory) => this.#rowOf(path, { ...stat, type }, directory, hash));
    if (row === undefined) throw this.#changed(path);
    this.#found.push(row);
    this.#stats.push(stat);
  }

  /** Whether something else is mounted on a directory. */
  isMount({ type, device }: FileStat): boolean {
    return type === 'dir' && device !== this.#device;
  }

  /** Names in a directory, in byte order. */
  namesIn(path: ByteString): ByteString[] {
    const names = this.#in(path, (directory) => entriesIn(`${directory.path}/.`).map(({ name }) => name));
    if (names === undefined) throw this.#changed(path);
    return names.sort();
  }

  /** Adds all that is in a directory. */
  addBelow(path: ByteString): void {
    const waiting: ByteString[] = [path];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const name of this.namesIn(next)) {
        const each = joinPath(next, name);
        const stat = this.statOf(each);
        if (stat === undefined) throw this.#changed(each);
        this.add(each, stat);
        if (stat.type === 'dir' && !this.isMount(stat)) waiting.push(each);
      }
    }
  }

  /** All rows so far. */
  finish(): Listing {
    return {
      shard: packShard(this.#found.map((row) => ({ ...row, key: row.source, link: row.source }))),
      sizes: Float64Array.from(this.#found, ({ type, size }) => (type === 'file' ? size : 0)),
      seen: packSeen(this.#stats),
      links: Uint32Array.from(this.#found, ({ links }) => links),
      sockets: this.#sockets,
      mounts: this.#mounts,
    };
  }

  close(): void {
    this.#beneath.close();
  }

  #rowOf(path: ByteString, stat: FileStat & { type: NodeType }, directory: OpenDirectory, hash: boolean): Found {
    const at = path === '' ? `${directory.path}/.` : `${directory.path}/${baseOf(path)}`;
    const { type, mode, uid, gid, size, sec, nsec, devMajor, devMinor, links } = stat;
    const isNode = type === 'char' || type === 'block';
    return {
      path,
      type,
      mode,
      uid,
      gid,
      size,
      sec,
      nsec,
      devMajor: isNode ? devMajor : 0,
      devMinor: isNode ? devMinor : 0,
      xattrs: xattrsOf(at),
      source: type === 'symlink' ? targetOf(at) : hash && type === 'file' ? this.#hash(at, size) : '',
      links,
    };
  }

  #hash(at: ByteString, size: number): string {
    return openForReading(at, (fd) => hashOf(fd, size, this.#room, this.#control));
  }

  /** Does something in the directory above a path. Errors name the path as users know it. */
  #at<T>(path: ByteString, look: (directory: OpenDirectory) => T): T | undefined {
    return this.#in(parentOf(path), look, path);
  }

  #in<T>(directory: ByteString, look: (directory: OpenDirectory) => T, path = directory): T | undefined {
    try {
      const open = this.#beneath.directory(directory);
      return open === undefined ? undefined : look(open);
    } catch (error) {
      throw this.#named(path, error);
    }
  }

  #named(path: ByteString, cause: unknown): unknown {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof CairnError || typeof code !== 'string') return cause;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return this.#changed(path);
    const full = this.pathOf(path);
    return toCairnError(Object.assign(new Error(`${code}: cannot read '${full}'`), { code, path: full }));
  }

  #changed(path: ByteString): CairnError {
    const full = this.pathOf(path);
    return new CairnError('ERR_IO', `${full} changed while it was read; try again when nobody writes to it`, {
      path: full,
      entry: toText(path),
    });
  }

  /** The path as users know it. */
  pathOf(path: ByteString): string {
    return toText(below(fromText(this.#root), path));
  }

  #count(): void {
    if (this.#looks++ % CHECK_EVERY !== 0) return;
    checkCancelled(this.#control);
    countItems(this.#control, CHECK_EVERY);
  }
}

function targetOf(at: ByteString): ByteString {
  return fs.readlinkSync(toFsPath(at), { encoding: 'buffer' }).toString('latin1');
}

/** In order of their names, as no order is given by the system. */
function xattrsOf(at: ByteString): readonly Xattr[] {
  const found = listXattrs(at);
  if (found === undefined || found.size === 0) return NO_XATTRS;
  return [...found]
    .filter(([name]) => !isOfMachine(name))
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
