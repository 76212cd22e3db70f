/**
 * Destinations of data that leaves the store: what may be there already, and how the data takes its place. A file or
 * directory is made beside its place and moved there when it is complete. A device or a named pipe, which has a name
 * but keeps nothing, is written to.
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import type { Output } from '../../workers/tasks/export.js';
import { CairnError, hasCode, throwIfAborted } from '../core/errors.js';
import { areNested } from '../core/path.js';
import { Disk, moveIntoPlace, syncDirectory, syncFile } from '../disk/durable.js';
import type { StoreContext } from './context.js';

const STDOUT = 1;
/** Pause before looking again for a reader of a named pipe, in milliseconds. */
const PAUSE = 10;

/**
 * Where data goes: a descriptor, with no path for standard output; a stream of this process, which gets a file that
 * is made first; or a file or directory.
 */
export type Target =
  | { kind: 'stream'; path?: string }
  | { kind: 'sink'; sink: Writable; scratch: string }
  | Destination;

export interface Destination {
  kind: 'file' | 'directory';
  /** Never a symlink: symlinks are followed. */
  path: string;
  /** Path beside it where the file or directory is made. */
  scratch: string;
  /** A file that is there may be replaced. */
  force: boolean;
}

/** Errors of a rename when something else is in the place. */
const TAKEN = ['EEXIST', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR'] as const;

/**
 * @param file a path, `-` for standard output, or a stream
 * @param force a file may replace a file
 * @throws CairnError `ERR_EXISTS` if something there may not be replaced (a directory may replace an empty one);
 *   `ERR_USAGE` inside the store; `ERR_NOT_FOUND` if the directory above is missing
 */
export function destinationOf(
  store: StoreContext,
  file: string | Writable,
  kind: Destination['kind'],
  force: boolean,
): Target {
  if (typeof file !== 'string') return { kind: 'sink', sink: file, scratch: scratchIn(store) };
  if (file === '-') return { kind: 'stream' };
  const named = resolve(file);
  const found = fs.statSync(named, { throwIfNoEntry: false });
  if (found?.isCharacterDevice() === true || found?.isFIFO() === true) return { kind: 'stream', path: named };
  const path = follow(named);
  mustBeApart(store, path);
  mustBeFree(path, kind, force);
  return { kind, path, scratch: besideDestination(path), force };
}

/** A new name where something can be made that goes elsewhere. */
export function scratchIn(store: StoreContext): string {
  return !store.isStaged ? join(tmpdir(), `cairn-${randomUUID()}`) : join(store.staging.make(), 'out');
}

/** A new name beside a destination, where its content is made before it is moved there. */
export function besideDestination(path: string): string {
  return join(dirname(path), `.${basename(path)}.cairn-${randomUUID().slice(0, 8)}`);
}

function follow(path: string): string {
  if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
  if (!fs.existsSync(path)) throw new CairnError('ERR_NOT_FOUND', `${path} leads to nothing`, { path });
  return fs.realpathSync(path);
}

/**
 * @throws CairnError `ERR_USAGE` for a path in the store, or with the store in it; `ERR_NOT_FOUND` if the directory
 *   above is missing
 */
export function mustBeApart(store: StoreContext, path: string): void {
  const parent = dirname(path);
  if (!fs.existsSync(parent)) throw new CairnError('ERR_NOT_FOUND', `no such directory: ${parent}`, { path: parent });
  const real = join(fs.realpathSync(parent), basename(path));
  const dir = fs.realpathSync(store.layout.dir);
  if (areNested(real, dir)) throw new CairnError('ERR_USAGE', `${path} and the store lie in one another`, { path });
}

function mustBeFree(path: string, kind: Destination['kind'], force: boolean): void {
  const there = fs.lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined || (force && kind === 'file' && there.isFile())) return;
  if (kind === 'directory' && there.isDirectory() && fs.readdirSync(path).length === 0) return;
  throw taken(path, kind === 'file' && there.isFile());
}

function taken(path: string, isReplaceable = false): CairnError {
  const help = isReplaceable
    ? '--force replaces it'
    : '--force replaces files with files only, so remove it or name another place';
  return new CairnError('ERR_EXISTS', `${path} is there already; ${help}`, { path });
}

/** @param work is given the output: a descriptor that is open while `work` runs, or a path that is yet to be made */
export async function withOutput<T>(
  target: Target,
  signal: AbortSignal | undefined,
  work: (output: Output) => Promise<T>,
): Promise<T> {
  if (target.kind === 'sink') return intoSink(target, signal, work);
  if (target.kind !== 'stream') return work({ path: target.scratch });
  if (target.path === undefined) return work({ fd: STDOUT });
  const fd = await openStream(target.path, signal);
  try {
    return await work({ fd, name: target.path });
  } finally {
    fs.closeSync(fd);
  }
}

async function intoSink<T>(
  { sink, scratch }: Extract<Target, { kind: 'sink' }>,
  signal: AbortSignal | undefined,
  work: (output: Output) => Promise<T>,
): Promise<T> {
  try {
    const result = await work({ path: scratch });
    await pipeline(fs.createReadStream(scratch), sink, signal === undefined ? {} : { signal });
    return result;
  } finally {
    fs.rmSync(scratch, { force: true });
  }
}

async function openStream(path: string, signal: AbortSignal | undefined): Promise<number> {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
  for (;;) {
    throwIfAborted(signal);
    try {
      return fs.openSync(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    } catch (error) {
      // Nobody reads the named pipe yet.
      if (!hasCode(error, 'ENXIO') || !fs.statSync(path).isFIFO()) throw error;
      await setTimeout(PAUSE);
    }
  }
}

/**
 * Makes a complete file or directory durable and gives it its name.
 * @throws CairnError `ERR_EXISTS` if something has come there meanwhile that may not be replaced
 */
export async function publish({ kind, path, scratch, force }: Destination): Promise<void> {
  if (kind === 'file') syncFile(scratch);
  else await syncAround(path);
  mustBeFree(path, kind, force);
  try {
    moveIntoPlace(scratch, path);
  } catch (error) {
    throw hasCode(error, ...TAKEN) ? taken(path) : error;
  }
  syncDirectory(dirname(path));
}

async function syncAround(path: string): Promise<void> {
  const disk = new Disk(dirname(path));
  try {
    await disk.sync();
  } finally {
    await disk.close();
  }
}
