/** Has the workers check that files of the store are what their names say. */
import type { VerifyObjectsTask, VerifyResult } from '../../workers/tasks/verify.js';
import { Batch, batches } from '../core/batches.js';
import { allOf } from '../core/concurrency.js';
import { CairnError } from '../core/errors.js';
import type { SkippedKind } from '../core/metadata.js';
import type { ObjectFile, PackAddress } from '../core/object.js';
import type { ObjectRecord } from '../index/records.js';
import type { ObjectHome } from '../objects/home.js';
import type { Work } from '../session/work.js';

/** What an object takes besides hashing, in bytes that would be hashed meanwhile. */
const OBJECT_COST = 2000;
/** Objects of one task: their names are sent. */
const MOST_SENT = 30_000;
/** A sound record counts fewer copies: each copy stands for as many links as a file can have. */
const COPIES_AT_MOST = 1_000_000;

export interface Look {
  work: Work;
  /** Checks sizes, times and metadata only. */
  quick: boolean;
}

/** A file and the hash that it must have. */
export interface HashedFile {
  path: string;
  /** Hex digits. */
  sha512: string;
  size: number;
}

export type NamedObject = readonly [name: string, record: ObjectRecord];

/** A file of an object that is to be checked. */
interface LookedAt extends ObjectFile {
  record: ObjectRecord;
  /** 0 until the file was checked, and if it is not there. */
  inode: bigint;
}

/** What is wrong with a file of an object. */
export interface ObjectFinding {
  file: ObjectFile;
  what: string;
  /** The file's content is right, or was not to be hashed. */
  onlyMetadata: boolean;
}

export interface ObjectFindings {
  bytes: number;
  findings: ObjectFinding[];
}

/** Checks objects and their further copies. The first are checked while others are still being listed. */
export class ObjectsLook {
  readonly #home: ObjectHome;
  readonly #look: Look;
  readonly #objects = new Map<string, LookedAt>();
  #batch = new Batch<LookedAt>();
  readonly #running: Promise<ObjectFindings>[] = [];

  constructor(home: ObjectHome, look: Look) {
    this.#home = home;
    this.#look = look;
  }

  /** How many objects were added. */
  get size(): number {
    return this.#objects.size;
  }

  has(name: string): boolean {
    return this.#objects.has(name);
  }

  recordOf(name: string): ObjectRecord | undefined {
    return this.#objects.get(name)?.record;
  }

  /** The inode of an object that was checked; 0 for an object that was not checked or is not there. */
  inodeOf(name: string): bigint {
    return this.#objects.get(name)?.inode ?? 0n;
  }

  /** @throws CairnError `ERR_DAMAGED` for a record that cannot be one */
  add(name: string, record: ObjectRecord): void {
    const { size, copies, at } = record;
    if (!(size >= 0 && copies >= 0 && copies < COPIES_AT_MOST && (at === undefined || isPlace(at)))) {
      throw new CairnError('ERR_DAMAGED', `the index has no sound record of object ${name}`);
    }
    const first: LookedAt = { name, copy: 0, record, inode: 0n };
    this.#objects.set(name, first);
    this.#collect(first);
    for (let copy = 1; copy <= record.copies; copy++) this.#collect({ name, copy, record, inode: 0n });
  }

  /**
   * As {@link add}, of objects that are all known: one share for each worker, or more where these would be too large to
   * send. So no worker waits for this thread, however busy it is meanwhile.
   */
  addAll(objects: readonly NamedObject[], workers: number): void {
    const cost = objects.reduce((sum, [, { size }]) => sum + size + OBJECT_COST, 0);
    const shares = Math.max(workers, Math.ceil(objects.length / MOST_SENT));
    this.#send(this.#batch.rest());
    this.#batch = new Batch({ bytes: cost / shares, items: MOST_SENT });
    for (const [name, record] of objects) this.add(name, record);
    this.#send(this.#batch.rest());
    this.#batch = new Batch();
  }

  #collect(file: LookedAt): void {
    const full = this.#batch.add(file, file.record.size + OBJECT_COST);
    if (full !== undefined) this.#send(full);
  }

  #send(files: readonly LookedAt[]): void {
    if (files.length === 0) return;
    const running = this.#run(files);
    running.catch(() => {}); // `finish` reports it
    this.#running.push(running);
  }

  async #run(files: readonly LookedAt[]): Promise<ObjectFindings> {
    const { bytes, findings, inodes } = await this.#look.work.askLimited('verify-objects', {
      quick: this.#look.quick,
      objects: this.#home.at,
      ...inColumns(files),
    });
    for (const [i, file] of files.entries()) file.inode = inodes[i] as bigint;
    return { bytes, findings: findings.map(({ at, ...finding }) => ({ ...finding, file: files[at] as LookedAt })) };
  }

  /** Waits for all checks, even after one has failed. */
  async finish(): Promise<ObjectFindings> {
    this.#send(this.#batch.rest());
    return sum(await allOf(this.#running));
  }
}

/** As a task takes them. */
function inColumns(files: readonly LookedAt[]): Pick<VerifyObjectsTask, 'names' | keyof Columns | 'skipped'> {
  const { length } = files;
  const columns: Columns = {
    copies: new Uint32Array(length),
    sizes: new Float64Array(length),
    places: new Float64Array(2 * length),
  };
  const skipped: Record<string, SkippedKind[]> = {};
  for (const [i, { name, copy, record }] of files.entries()) {
    const { size, at } = record;
    columns.copies[i] = copy;
    columns.sizes[i] = size;
    if (at !== undefined) {
      columns.places[2 * i] = at.pack;
      columns.places[2 * i + 1] = at.offset;
    }
    if (record.skipped !== undefined) skipped[name] = record.skipped;
  }
  return { names: files.map(({ name }) => name).join('\0'), ...columns, skipped };
}

type Columns = Pick<VerifyObjectsTask, 'copies' | 'sizes' | 'places'>;

function isPlace({ pack, offset }: PackAddress): boolean {
  return Number.isSafeInteger(pack) && pack > 0 && Number.isSafeInteger(offset) && offset > 0;
}

/** Checks objects that are all known, as {@link ObjectsLook} does. */
export async function verifyObjects(
  home: ObjectHome,
  objects: Iterable<NamedObject>,
  look: Look,
): Promise<ObjectFindings> {
  const looking = new ObjectsLook(home, look);
  for (const [name, record] of objects) looking.add(name, record);
  return looking.finish();
}

/** Checks files that are nothing but bytes. Findings name files by path. */
export async function verifyBlobs(files: Iterable<HashedFile>, { work, quick }: Look): Promise<VerifyResult> {
  const tasks = batches(files, ({ size }) => size).map((blobs) => ({ quick, blobs }));
  return sum(await work.map('verify-blobs', tasks));
}

function sum<F>(results: readonly { bytes: number; findings: F[] }[]): { bytes: number; findings: F[] } {
  const findings = results.flatMap((result) => result.findings);
  return { bytes: results.reduce((total, { bytes }) => total + bytes, 0), findings };
}
