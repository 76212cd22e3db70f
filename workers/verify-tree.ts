/** Compares a rendered tree with its plan, entry by entry and field by field. */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath, toText } from '../engine/bytes.js';
import { faultOf } from '../engine/fault.js';
import { shardedPath } from '../engine/layout.js';
import { listXattrs, splitDeviceNumber } from '../engine/native.js';
import { formatMode, variantOf } from '../engine/object.js';
import { type ShardRow, unpackShard } from '../engine/render/shard.js';
import type { Finding, VerifyResult, VerifyTreeTask } from './check-tasks.js';
import { checkCancelled, countItems } from './control.js';
import { below } from './render.js';
import { hashFile, isHostXattr, timeFault } from './verify.js';

const CHECK_EVERY = 256;
const SKIPPED_XATTR = /^(?:trusted|user)\.overlay\./;

export function verifyTree(task: VerifyTreeTask): VerifyResult {
  return new TreeVerifier(task).run();
}

class TreeVerifier {
  readonly #task: VerifyTreeTask;
  readonly #root: ByteString;
  /** There can be as many as extended attributes in the tree, each of which asks. */
  readonly #skipped: ReadonlySet<string>;
  readonly #findings: Finding[] = [];
  readonly #buffer = Buffer.allocUnsafe(1 << 20);
  #bytes = 0;

  constructor(task: VerifyTreeTask) {
    this.#task = task;
    this.#root = fromText(task.root);
    this.#skipped = new Set(task.skipped);
  }

  run(): VerifyResult {
    const { control, sizes, groups } = this.#task;
    const firstNames = groups.split('\0');
    const rows = unpackShard(this.#task.shard);
    rows.forEach((row, i) => {
      if (i % CHECK_EVERY === 0) {
        checkCancelled(control);
        countItems(control, Math.min(CHECK_EVERY, rows.length - i));
      }
      try {
        for (const what of this.#compare(row, sizes[i] as number, firstNames[i] as string)) {
          this.#findings.push({ id: row.path, what });
        }
      } catch (error) {
        this.#findings.push({ id: row.path, what: faultOf(error) });
      }
    });
    return { bytes: this.#bytes, findings: this.#findings };
  }

  /** What differs, one after the other: what was found before it cannot look any further is told, too. */
  *#compare(row: ShardRow, size: number, firstName: ByteString): Generator<string> {
    const path = below(this.#root, row.path);
    const stat = fs.lstatSync(toFsPath(path), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) {
      if (!this.#mayBeMissing(row)) yield 'missing';
      return;
    }
    const type = typeOf(stat);
    if (type !== row.type) {
      yield `a ${type} instead of a ${row.type}`;
      return;
    }
    if (firstName !== '' && firstName !== row.path) {
      const first = fs.lstatSync(toFsPath(below(this.#root, firstName)), { bigint: true, throwIfNoEntry: false });
      if (first?.ino !== stat.ino) yield `not the same file as ${toText(firstName)}`;
    }
    if (row.type === 'file' && this.#isObject(row, stat)) return;
    yield* this.#metadata(path, row, stat);
    if (row.type === 'file') yield* this.#content(path, row, size, stat);
    if (row.type === 'symlink') {
      const target = fs.readlinkSync(toFsPath(path), { encoding: 'buffer' }).toString('latin1');
      if (target !== row.source) yield `links to ${toText(target)} instead of ${toText(row.source)}`;
    }
    if (row.type === 'char' || row.type === 'block') {
      const { major, minor } = splitDeviceNumber(stat.rdev);
      if (major !== row.devMajor || minor !== row.devMinor) {
        yield `device ${major}:${minor} instead of ${row.devMajor}:${row.devMinor}`;
      }
    }
  }

  /** A name of the very object that the plan wants, which is checked where objects are. */
  #isObject(row: ShardRow, stat: fs.BigIntStats): boolean {
    if (!this.#task.linked) return false;
    const object = shardedPath(this.#task.objects, `${row.source}.${variantOf(row)}`);
    for (let n = 0; ; n++) {
      const own = fs.lstatSync(n === 0 ? object : `${object}+${n}`, { bigint: true, throwIfNoEntry: false });
      if (own === undefined) return false;
      if (own.ino === stat.ino && own.dev === stat.dev) return true;
    }
  }

  #metadata(path: ByteString, row: ShardRow, stat: fs.BigIntStats): string[] {
    const whats: string[] = [];
    const mode = Number(stat.mode & 0o7777n);
    if (row.type !== 'symlink' && mode !== row.mode && !this.#wasSkipped('mode')) {
      whats.push(`mode ${formatMode(mode)} instead of ${formatMode(row.mode)}`);
    }
    if ((Number(stat.uid) !== row.uid || Number(stat.gid) !== row.gid) && !this.#wasSkipped('owner')) {
      whats.push(`owner ${stat.uid}:${stat.gid} instead of ${row.uid}:${row.gid}`);
    }
    const time = timeFault(stat.mtimeNs, row.sec, row.nsec, this.#wasSkipped('time below a microsecond'));
    if (time !== undefined && !this.#wasSkipped('time')) whats.push(time);
    const found = listXattrs(path);
    if (found !== undefined) whats.push(...this.#xattrs(row, found));
    return whats;
  }

  #xattrs(row: ShardRow, found: Map<ByteString, Buffer>): string[] {
    const whats: string[] = [];
    for (const { name, value } of row.xattrs) {
      const there = found.get(name);
      found.delete(name);
      if (SKIPPED_XATTR.test(name) || (there === undefined && this.#wasSkipped(`xattr ${name}`))) continue;
      if (there === undefined) whats.push(`extended attribute ${toText(name)} is missing`);
      else if (!there.equals(value)) whats.push(`extended attribute ${toText(name)} differs`);
    }
    for (const name of found.keys())
      if (!isHostXattr(name)) whats.push(`extended attribute ${toText(name)} is not in the plan`);
    return whats;
  }

  #content(path: ByteString, row: ShardRow, size: number, stat: fs.BigIntStats): string[] {
    if (stat.size !== BigInt(size)) return [`${stat.size} bytes instead of ${size}`];
    this.#bytes += size;
    if (this.#task.quick || hashFile(toFsPath(path), this.#buffer, this.#task.control) === row.source) return [];
    return ['content differs'];
  }

  #mayBeMissing(row: ShardRow): boolean {
    return (
      (row.type === 'fifo' && this.#wasSkipped('fifo')) ||
      ((row.type === 'char' || row.type === 'block') && this.#wasSkipped('device'))
    );
  }

  #wasSkipped(what: string): boolean {
    return this.#skipped.has(what);
  }
}

function typeOf(stat: fs.BigIntStats): string {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'dir';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isCharacterDevice()) return 'char';
  if (stat.isBlockDevice()) return 'block';
  return 'socket';
}
