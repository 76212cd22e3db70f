/** Has the workers check that files of the store are what their names say. */
import type { VerifyResult } from '../../workers/tasks/verify.js';
import { Batch, batches } from '../core/batches.js';
import { allOf } from '../core/concurrency.js';
import { CairnError } from '../core/errors.js';
import type { SkippedKind } from '../core/metadata.js';
import type { ObjectFile, PackAddress } from '../core/object.js';
import type { ObjectRecord } from '../index/records.js';
import type { ObjectHome } from '../objects/home.js';
import type { Work } from '../session/work.js';

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
  readonly #batch = new Batch<LookedAt>();
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

  #collect(file: LookedAt): void {
    const full = this.#batch.add(file, file.record.size);
    if (full !== undefined) this.#send(full);
  }

  #send(files: readonly LookedAt[]): void {
    const running = this.#run(files);
    running.catch(() => {}); // `finish` reports it
    this.#running.push(running);
  }

  async #run(files: readonly LookedAt[]): Promise<ObjectFindings> {
    const skipped: Record<string, SkippedKind[]> = {};
    for (const { name, record } of files) if (record.skipped !== undefined) skipped[name] = record.skipped;
    const { bytes, findings, inodes } = await this.#look.work.askLimited('verify-objects', {
      quick: this.#look.quick,
      objects: this.#home.at,
      names: files.map(({ name }) => name).join('\0'),
      copies: Uint32Array.from(files, ({ copy }) => copy),
      sizes: Float64Array.from(files, ({ record }) => record.size),
      places: Float64Array.from(
        files.flatMap(({ record: { at } }) => (at === undefined ? [0, 0] : [at.pack, at.offset])),
      ),
      skipped,
    });
    for (const [i, file] of files.entries()) file.inode = inodes[i] as bigint;
    return { bytes, findings: findings.map(({ at, ...finding }) => ({ ...finding, file: files[at] as LookedAt })) };
  }

  /** Waits for all checks, even after one has failed. */
  async finish(): Promise<ObjectFindings> {
    const rest = this.#batch.rest();
    if (rest.length > 0) this.#send(rest);
    return sum(await allOf(this.#running));
  }
}

function isPlace({ pack, offset }: PackAddress): boolean {
  return Number.isSafeInteger(pack) && pack > 0 && Number.isSafeInteger(offset) && offset > 0;
}

/** Checks objects that are all known, as {@link ObjectsLook} does. */
export async function verifyObjects(
  home: ObjectHome,
  objects: Iterable<readonly [name: string, record: ObjectRecord]>,
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
