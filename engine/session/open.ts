/** Opens a store: checks that it is one, that we may write and that we know its version. Makes a new one if asked. */
import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import { defined } from '../core/defined.js';
import { CairnError, hasCode, toCairnError } from '../core/errors.js';
import type { ArgumentType } from '../core/finding.js';
import { DEFAULT_LIMITS, type Limits } from '../core/limits.js';
import { Disk, makeOnce } from '../disk/durable.js';
import { indexData, Layout, mayComeFirst } from '../disk/layout.js';
import { Staging } from '../disk/staging.js';
import { faultOfPages } from '../index/check-pages.js';
import { damagedIndex } from '../index/damage.js';
import { LAYOUT_KEY } from '../index/open.js';
import { openIndex } from '../index/open-index.js';
import { objectsIn } from './choose-home.js';
import { chosenLayout, type LayoutChoice } from './choose-layout.js';
import type { StoreContext } from './context.js';
import { FORMAT_VERSION, makeStore, type ObjectLayout, readFormat, writeFormat } from './format.js';
import { Lanes } from './lanes.js';
import { makeOurs } from './owner.js';
import { defaultWorkers, Pool } from './pool.js';
import { UseLock } from './use-lock.js';

export interface OpenOptions {
  dir: string;
  /** Make the store if it is not there. Default: yes, unless `readOnly`. */
  create?: boolean;
  /** How a store that is made keeps the contents of files. Default: `auto`. */
  layout?: LayoutChoice;
  /** Write nothing and take no locks. Works on a read-only mount. For stores that nobody writes to meanwhile. */
  readOnly?: boolean;
  /** With `readOnly`: others may write meanwhile. LMDB's table of readers is written, to keep what this one reads. */
  shared?: boolean;
  /** With `shared`: goes on seeing what others write, and keeps gc from what it relies on. For what runs for long. */
  follow?: boolean;
  /** Write to a store that belongs to another user. */
  foreign?: boolean;
  /** Check every page of the index before it is used, which takes as long as reading the index. */
  verifyIndex?: boolean;
  /** Number of worker threads. Default: the number of processors, at most eight. */
  workers?: number;
  /** Start the workers while the store is being opened. Callers that need workers soon set this. */
  startWorkers?: boolean;
  limits?: Partial<Limits>;
  /** What arguments for images are, whatever they look like. A key is one all the same. */
  argumentType?: ArgumentType;
  /** `docker://HOST/PREFIX`: an image that is missing here, or lacks parts, comes from there, and is checked. */
  remote?: string;
  /** Called with what could not be done as asked, and why. */
  onNotice?: (message: string) => void;
}

/**
 * @throws CairnError `ERR_NOT_FOUND` for a directory that is not there, `ERR_NOT_A_STORE`, `ERR_STORE_VERSION`,
 *   `ERR_READ_ONLY`, `ERR_FOREIGN_STORE`, `ERR_DAMAGED`
 */
export async function openContext(options: OpenOptions): Promise<StoreContext> {
  const pool = new Pool(options.workers ?? defaultWorkers());
  try {
    if (options.startWorkers === true) await pool.warm();
    return await openWith(pool, options);
  } catch (error) {
    await pool.close();
    throw error;
  }
}

async function openWith(pool: Pool, options: OpenOptions): Promise<StoreContext> {
  const readOnly = options.readOnly === true;
  const create = options.create ?? !readOnly;
  if (!create && !fs.existsSync(options.dir)) missing(options.dir);
  const dir = create && !fs.existsSync(options.dir) ? makeDirectory(options.dir) : fs.realpathSync(options.dir);
  const layout = new Layout(dir);
  if (!fs.statSync(dir).isDirectory())
    throw new CairnError('ERR_NOT_A_STORE', `${dir} is no directory, so no cairn store`, { path: dir });
  if (!fs.existsSync(layout.format)) {
    // Looks for the format once more: another process may have made the whole store between the two looks.
    if (!isEmpty(dir) && !fs.existsSync(layout.format))
      throw new CairnError('ERR_NOT_A_STORE', `${dir} is no cairn store`, { path: dir });
    if (!create) missing(dir);
    makeOurs(layout, options.foreign === true, () => {});
    makeStore(layout, await chosenLayout(layout, options.layout));
  }
  const { format, layout: said } = readFormat(layout);
  const notice = options.onNotice ?? (() => {});
  const shared = readOnly && options.shared === true;
  const follow = shared && options.follow === true;
  if (!readOnly || shared) {
    makeOurs(layout, options.foreign === true, notice);
    ensureWritable(layout);
  }
  // The long check runs before the index is locked, so that no other process waits for it.
  if (options.verifyIndex === true) checkIndexFile(layout, true);
  const index = await openIndex(layout.index, { readOnly, shared, follow }, () => checkIndexFile(layout, false));
  try {
    await index.checkSchema(readOnly);
  } catch (error) {
    await index.close();
    throw error;
  }
  const layoutNow = (): ObjectLayout => (index.meta.get(LAYOUT_KEY) as ObjectLayout | undefined) ?? said;
  const objects = layoutNow();
  /** A repack waits for operations under way, not for stores that are open. */
  const checkLayout = (): void => {
    index.refresh();
    if (layoutNow() === objects) return;
    throw new CairnError('ERR_STORE_VERSION', 'the store was repacked meanwhile; open it again', { path: layout.dir });
  };
  // A repack was killed between its transaction and its last step.
  if (!readOnly && objects !== said) writeFormat(layout, { format: FORMAT_VERSION, layout: objects });
  if (objects === 'packs') {
    pool.hold = () => {
      const held = index.snapshot();
      return () => held.done();
    };
  }
  const home = objectsIn(layout, objects, index);
  return {
    layout,
    index,
    objects: home,
    pool,
    disk: new Disk(layout.dir),
    staging: new Staging(layout.staging),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    readOnly,
    isStaged: !readOnly || follow,
    notice,
    uses: new UseLock(layout, { isFree: readOnly && !follow, check: checkLayout, atRest: () => home.close() }),
    lanes: objects === 'packs' && !readOnly ? new Lanes(layout, index) : undefined,
    format,
    argumentType: options.argumentType,
    remote: options.remote,
  };
}

function missing(dir: string): never {
  throw new CairnError('ERR_NOT_FOUND', `there is no store at ${dir}`, { path: dir });
}

function makeDirectory(dir: string): string {
  try {
    fs.mkdirSync(dirname(resolve(dir)), { recursive: true, mode: 0o700 });
    makeOnce(dir);
    return fs.realpathSync(dir);
  } catch (error) {
    throw toCairnError(error, 'the store cannot be made');
  }
}

/** Whether a directory has nothing but settings, or is a store that another process is just making. */
function isEmpty(dir: string): boolean {
  try {
    return fs.readdirSync(dir).every(mayComeFirst);
  } catch (error) {
    throw toCairnError(error);
  }
}

/** An index up to this size is checked whole, which takes a millisecond or two. */
const SMALL_INDEX = 2 ** 20;

/**
 * Checks the index's file before LMDB opens it: LMDB would make a new index where none is, and crash on some damage.
 * @throws CairnError `ERR_DAMAGED`
 */
function checkIndexFile(layout: Layout, thorough: boolean): void {
  const file = indexData(layout.index);
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  // A store without content may be one that is just being made.
  if (
    size === 0 &&
    [layout.blobs, layout.objects].every((dir) => !fs.existsSync(dir) || fs.readdirSync(dir).length === 0)
  )
    return;
  if (!fs.existsSync(file)) throw damagedIndex(layout.index, 'is missing');
  const fault = faultOfPages(file, thorough || size <= SMALL_INDEX);
  if (fault !== undefined) throw damagedIndex(layout.index, `is damaged: ${fault}`);
}

/** @throws CairnError `ERR_READ_ONLY` */
export function ensureWritable(layout: Layout): void {
  try {
    fs.accessSync(layout.dir, fs.constants.W_OK);
    for (const dir of layout.directories()) {
      if (!fs.existsSync(dir)) makeOnce(dir);
    }
  } catch (error) {
    const failure = toCairnError(error, 'the store cannot be written');
    if (!hasCode(error, 'EROFS', 'EACCES', 'EPERM')) throw failure;
    throw new CairnError('ERR_READ_ONLY', `the store ${layout.dir} cannot be written`, {
      path: layout.dir,
      ...defined({ errno: (failure as CairnError).errno }),
      cause: error,
    });
  }
}
