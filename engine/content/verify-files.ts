/** Has the workers look whether files of the store are what their names say. */
import type { Control } from '../../workers/tasks/parts.js';
import type { Finding, VerifyResult } from '../../workers/tasks/verify.js';
import { Batch, batches } from '../core/batches.js';
import { eachOf } from '../core/concurrency.js';
import { CairnError } from '../core/errors.js';
import type { ObjectRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';

/** Each stands for as many links as a file can have. */
const MOST_COPIES = 1_000_000;

export interface Look {
  control: Control;
  /** Sizes, times and metadata only. */
  quick: boolean;
}

/** A file and the hash that it must have. */
export interface HashedFile {
  path: string;
  /** Hex digits. */
  sha512: string;
  size: number;
}

/** A file of an object: that in its place, or a further copy, `…+1`. */
interface ObjectFile {
  name: string;
  record: ObjectRecord;
  /** 0 until it was looked at, and if it is not there. */
  inode: bigint;
}

/** Looks at objects and their further copies, at the first of them while others are still being listed. */
export class ObjectsLook {
  readonly #store: Pick<StoreContext, 'layout' | 'pool'>;
  readonly #look: Look;
  readonly #objects = new Map<string, ObjectFile>();
  readonly #batch = new Batch<ObjectFile>();
  readonly #running: Promise<VerifyResult>[] = [];

  constructor(store: Pick<StoreContext, 'layout' | 'pool'>, look: Look) {
    this.#store = store;
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

  /** Of an object that was looked at; 0 for one that was not, or is not there. */
  inodeOf(name: string): bigint {
    return this.#objects.get(name)?.inode ?? 0n;
  }

  /** @throws CairnError `ERR_DAMAGED` for a record that cannot be one */
  add(name: string, record: ObjectRecord): void {
    if (!(record.size >= 0 && record.copies >= 0 && record.copies < MOST_COPIES)) {
      throw new CairnError('ERR_DAMAGED', `the index has no sound record of object ${name}`);
    }
    const object: ObjectFile = { name, record, inode: 0n };
    this.#objects.set(name, object);
    this.#collect(object);
    for (let n = 1; n <= record.copies; n++) this.#collect({ name: `${name}+${n}`, record, inode: 0n });
  }

  #collect(file: ObjectFile): void {
    const full = this.#batch.add(file, file.record.size);
    if (full !== undefined) this.#send(full);
  }

  #send(files: readonly ObjectFile[]): void {
    const running = this.#run(files);
    running.catch(() => {}); // told by `finish`
    this.#running.push(running);
  }

  async #run(files: readonly ObjectFile[]): Promise<VerifyResult> {
    const { layout, pool } = this.#store;
    const skipped: Record<string, string[]> = {};
    for (const { name, record } of files) if (record.skipped !== undefined) skipped[name] = record.skipped;
    const { inodes, ...result } = await pool.runInTurn<'verify-objects'>({
      kind: 'verify-objects',
      ...this.#look,
      objects: layout.objects,
      names: files.map(({ name }) => name).join('\0'),
      sizes: Float64Array.from(files, ({ record }) => record.size),
      skipped,
    });
    for (const [i, file] of files.entries()) file.inode = inodes[i] as bigint;
    return result;
  }

  /** Waits for all, also after one has failed. @returns findings by the names of the files */
  async finish(): Promise<VerifyResult> {
    const rest = this.#batch.rest();
    if (rest.length > 0) this.#send(rest);
    await Promise.allSettled(this.#running);
    return sum(await Promise.all(this.#running));
  }
}

/** Looks at objects that are all known, as {@link ObjectsLook}. */
export async function verifyObjects(
  store: Pick<StoreContext, 'layout' | 'pool'>,
  objects: Iterable<readonly [name: string, record: ObjectRecord]>,
  look: Look,
): Promise<VerifyResult> {
  const looking = new ObjectsLook(store, look);
  for (const [name, record] of objects) looking.add(name, record);
  return looking.finish();
}

/** Looks at files that are nothing but bytes. Findings go by path. */
export async function verifyBlobs(
  { pool }: Pick<StoreContext, 'pool'>,
  files: Iterable<HashedFile>,
  look: Look,
): Promise<VerifyResult> {
  const tasks = batches(files, ({ size }) => size);
  return sum(
    await eachOf(tasks, pool.size, (blobs) => pool.runInTurn<'verify-blobs'>({ kind: 'verify-blobs', ...look, blobs })),
  );
}

function sum(results: readonly VerifyResult[]): VerifyResult {
  const findings: Finding[] = results.flatMap((result) => result.findings);
  return { bytes: results.reduce((total, { bytes }) => total + bytes, 0), findings };
}
