/** Compares a rendered tree with its plan, entry by entry and field by field. */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath, toText } from '../../engine/core/bytes.js';
import { isOverlayXattr, type SkippedKind } from '../../engine/core/metadata.js';
import { below } from '../../engine/core/path.js';
import { isHostXattr, metadataFaults } from '../../engine/disk/compare-metadata.js';
import { openForReading } from '../../engine/disk/file-bytes.js';
import { faultOf } from '../../engine/disk/path-fault.js';
import { type FileStat, fileStat } from '../../engine/disk/stat.js';
import { listXattrs } from '../../engine/disk/xattrs.js';
import type { ObjectHome } from '../../engine/objects/home.js';
import { homeAt } from '../../engine/objects/homes.js';
import { contentOf, type ShardRow, unpackShard } from '../../engine/plan/shard.js';
import { HASH_ROOM, hashOf } from '../files/hash-file.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { Finding, VerifiedTree, VerifyTreeTask } from '../tasks/verify.js';

const CHECK_EVERY = 256;

export function verifyTree(task: VerifyTreeTask): VerifiedTree {
  return new TreeVerifier(task).run();
}

type MetadataFault = Required<Omit<Finding, 'id'>>;

function ofMetadata(whats: readonly string[]): MetadataFault[] {
  return whats.map((what) => ({ what, metadata: true }));
}

interface Looked {
  path: ByteString;
  row: ShardRow;
  stat: FileStat | undefined;
  /** The planned size. */
  size: number;
  /** The entry's own path, or the path whose inode it shares. */
  firstName: ByteString;
}

class TreeVerifier {
  readonly #task: VerifyTreeTask;
  readonly #root: ByteString;
  readonly #home: ObjectHome;
  /** A set, since every extended attribute in the tree is looked up, and every one may be skipped. */
  readonly #skipped: ReadonlySet<SkippedKind>;
  readonly #findings: Finding[] = [];
  readonly #room = Buffer.allocUnsafe(HASH_ROOM);
  #bytes = 0;
  #exact = true;

  constructor(task: VerifyTreeTask) {
    this.#task = task;
    this.#root = fromText(task.root);
    this.#home = homeAt(task.objects);
    this.#skipped = new Set(task.skipped);
  }

  run(): VerifiedTree {
    const { control, groups } = this.#task;
    const firstNames = groups.split('\0');
    const rows = unpackShard(this.#task.shard);
    rows.forEach((row, i) => {
      if (i % CHECK_EVERY === 0) {
        checkCancelled(control);
        countItems(control, Math.min(CHECK_EVERY, rows.length - i));
      }
      try {
        this.#look(row, i, firstNames[i] as string);
      } catch (error) {
        this.#exact = false;
        this.#findings.push({ id: row.path, what: faultOf(error) });
      }
    });
    return { bytes: this.#bytes, findings: this.#findings, exact: this.#exact };
  }

  #look(row: ShardRow, i: number, firstName: ByteString): void {
    const path = below(this.#root, row.path);
    const stat = fileStat(path);
    if (stat?.type === 'file' && this.#isLookedAt(row, stat, i) && isFirst(row, firstName)) return;
    if (stat === undefined || !this.#holdsOnlyPlanned(path, row, stat, i)) this.#exact = false;
    for (const fault of this.#compare({ path, row, stat, size: this.#task.sizes[i] as number, firstName })) {
      this.#findings.push({ id: row.path, ...(typeof fault === 'string' ? { what: fault } : fault) });
    }
  }

  /** Most files of a tree are names of objects, which are checked as objects. */
  #isLookedAt(row: ShardRow, stat: FileStat, i: number): boolean {
    return row.type === 'file' && stat.ino === this.#task.inodes[i] && stat.device === this.#home.device;
  }

  /** Counts names. If all planned paths exist, and there are as many names as planned, there are no others. */
  #holdsOnlyPlanned(path: ByteString, row: ShardRow, stat: FileStat, i: number): boolean {
    if (row.type !== 'dir') return true;
    try {
      return stat.type === 'dir' && fs.readdirSync(toFsPath(path), 'latin1').length === this.#task.children[i];
    } catch {
      return false; // why, the listing will say
    }
  }

  /** Gives differences one by one: those found before an error are reported, too. */
  *#compare({ path, row, stat, size, firstName }: Looked): Generator<string | MetadataFault> {
    if (stat === undefined) {
      if (!this.#mayBeMissing(row)) yield 'missing';
      return;
    }
    if (stat.type !== row.type) {
      yield `a ${stat.type} instead of a ${row.type}`;
      return;
    }
    if (!isFirst(row, firstName)) {
      const first = fileStat(below(this.#root, firstName));
      if (first?.ino !== stat.ino) yield `not the same file as ${toText(firstName)}`;
    }
    if (row.type === 'file' && this.#isObject(row, stat)) return;
    yield* ofMetadata(metadataFaults(stat, row, (what) => this.#skipped.has(what)));
    const xattrs = listXattrs(path);
    if (xattrs !== undefined) yield* ofMetadata(this.#xattrs(row, xattrs));
    if (row.type === 'file') yield* this.#content(path, row, size, stat);
    if (row.type === 'symlink') {
      const target = fs.readlinkSync(toFsPath(path), { encoding: 'buffer' }).toString('latin1');
      if (target !== row.source) yield `links to ${toText(target)} instead of ${toText(row.source)}`;
    }
    if (row.type === 'char' || row.type === 'block') {
      const { devMajor, devMinor } = stat;
      if (devMajor !== row.devMajor || devMinor !== row.devMinor) {
        yield `device ${devMajor}:${devMinor} instead of ${row.devMajor}:${row.devMinor}`;
      }
    }
  }

  /** @returns whether the file is the planned object or a copy of it, which are checked with the objects */
  #isObject(row: ShardRow, stat: FileStat): boolean {
    return this.#task.linked && this.#home.isNameOf(contentOf(row), stat);
  }

  #xattrs(row: ShardRow, found: Map<ByteString, Buffer>): string[] {
    const whats: string[] = [];
    for (const { name, value } of row.xattrs) {
      const there = found.get(name);
      found.delete(name);
      if (isOverlayXattr(name) || (there === undefined && this.#skipped.has(`xattr ${name}`))) continue;
      if (there === undefined) whats.push(`extended attribute ${toText(name)} is missing`);
      else if (!there.equals(value)) whats.push(`extended attribute ${toText(name)} differs`);
    }
    for (const name of found.keys())
      if (!isHostXattr(name)) whats.push(`extended attribute ${toText(name)} is not in the plan`);
    return whats;
  }

  #content(path: ByteString, row: ShardRow, size: number, stat: FileStat): string[] {
    if (stat.size !== size) return [`${stat.size} bytes instead of ${size}`];
    this.#bytes += size;
    const { quick, control } = this.#task;
    if (quick || openForReading(path, (fd) => hashOf(fd, size, this.#room, control)) === row.source) return [];
    return ['content differs'];
  }

  #mayBeMissing(row: ShardRow): boolean {
    return (
      (row.type === 'fifo' && this.#skipped.has('fifo')) ||
      ((row.type === 'char' || row.type === 'block') && this.#skipped.has('device'))
    );
  }
}

/** @returns whether no earlier path is a name of the same file */
function isFirst(row: ShardRow, firstName: ByteString): boolean {
  return firstName === '' || firstName === row.path;
}
