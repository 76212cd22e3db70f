/**
 * The system calls that Node lacks, through koffi. Loaded on first use, since most commands need none of them.
 * Where the FFI package cannot load (or `CAIRN_NO_FFI` is set), each call has a stand-in or says that it is missing.
 * {@link ffiFault} gives the reason, so that callers can report it.
 */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { type ByteString, toBuffer } from '../core/bytes.js';
import { errnoName, hasCode } from '../core/errors.js';

/** Resolves relative paths from the process's working directory. */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_EMPTY_PATH = 0x1000;

export interface Call {
  (...args: unknown[]): number;
  /** Runs the call on a thread of its own, then calls its last argument with error and result. */
  async(...args: unknown[]): void;
}

interface Calls {
  syncfs: Call;
  flock: Call;
  mknod: Call;
  lsetxattr: Call;
  lremovexattr: Call;
  llistxattr: Call;
  flistxattr: Call;
  lgetxattr: Call;
  fgetxattr: Call;
  utimensat: Call;
  renameat2: Call;
  poll: Call;
  lseek: Call;
  fallocate: Call;
  copy_file_range: Call;
  sync_file_range: Call;
  /** Missing in some C libraries that have the other calls. */
  statx: Call | undefined;
  /** A further call of the C library, by its prototype. */
  find(prototype: string): Call;
  errno(): number;
}

const require = createRequire(import.meta.url);
/** Loads the module that runs the stand-ins, only when needed: loading it takes longer than a short command should. */
const programs = (): typeof import('node:child_process') => require('node:child_process');

let loaded: Calls | undefined;
let fault: string | undefined;

/** The direct system calls; `undefined` where they are not available. */
export function calls(): Calls | undefined {
  if (loaded !== undefined || fault !== undefined) return loaded;
  if (process.env['CAIRN_NO_FFI']) {
    fault = 'CAIRN_NO_FFI is set';
    return undefined;
  }
  try {
    const koffi = require('koffi') as typeof import('koffi');
    const libc = koffi.load(null);
    loaded = {
      syncfs: libc.func('int syncfs(int fd)'),
      flock: libc.func('int flock(int fd, int operation)'),
      mknod: libc.func('int mknod(const void *path, unsigned int mode, uint64_t device)'),
      lsetxattr: libc.func(
        'int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)',
      ),
      lremovexattr: libc.func('int lremovexattr(const void *path, const void *name)'),
      llistxattr: libc.func('int64_t llistxattr(const void *path, void *list, size_t size)'),
      flistxattr: libc.func('int64_t flistxattr(int fd, void *list, size_t size)'),
      lgetxattr: libc.func('int64_t lgetxattr(const void *path, const void *name, void *value, size_t size)'),
      fgetxattr: libc.func('int64_t fgetxattr(int fd, const void *name, void *value, size_t size)'),
      utimensat: libc.func('int utimensat(int directory, const void *path, const void *times, int flags)'),
      renameat2: libc.func('int renameat2(int fromDirectory, str from, int toDirectory, str to, unsigned int flags)'),
      poll: libc.func('int poll(void *files, unsigned long count, int timeout)'),
      lseek: libc.func('int64_t lseek(int fd, int64_t offset, int whence)'),
      fallocate: libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
      copy_file_range: libc.func(
        'int64_t copy_file_range(int from, void *fromOffset, int to, void *toOffset, size_t length, unsigned int flags)',
      ),
      sync_file_range: libc.func('int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)'),
      statx: optional(() =>
        libc.func('int statx(int directory, const void *path, int flags, unsigned int mask, void *found)'),
      ),
      find: (prototype) => libc.func(prototype),
      errno: () => koffi.errno(),
    };
  } catch (error) {
    fault = (error as Error).message;
  }
  return loaded;
}

function optional<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}

/** Why direct system calls are not available; `undefined` when they are. */
export function ffiFault(): string | undefined {
  calls();
  return fault;
}

export function failed(api: Calls, syscall: string, path?: string): NodeJS.ErrnoException {
  const errno = api.errno();
  const code = errnoName(errno) ?? `E${errno}`;
  const error: NodeJS.ErrnoException = new Error(
    `${code}: ${syscall} failed${path === undefined ? '' : `, '${path}'`}`,
  );
  error.code = code;
  error.errno = -errno;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  return error;
}

export function cString(bytes: ByteString): Buffer {
  return toBuffer(`${bytes}\0`);
}

/** Flushes the file system that `fd` lies on, files and directories alike, without holding up this thread. */
export function syncfs(fd: number, path: string): Promise<void> {
  const api = calls();
  return new Promise((resolve, reject) => {
    // The call runs on another thread or in another process, whose errno does not reach us. Whatever the errno, a
    // failed sync has lost data.
    const failure = (cause?: unknown): NodeJS.ErrnoException =>
      Object.assign(new Error(`EIO: syncfs failed, '${path}'`, { cause }), { code: 'EIO', syscall: 'syncfs', path });
    if (api === undefined) {
      programs().execFile('sync', ['-f', path], (error) => (error === null ? resolve() : reject(failure(error))));
      return;
    }
    api.syncfs.async(fd, (error: unknown, result: number) => {
      if (error) reject(error as Error);
      else if (result === 0) resolve();
      else reject(failure());
    });
  });
}

const POLLIN = 1;

/**
 * Whether a read would not have to wait: there are bytes, the end or an error. Looks for `ms`, on a thread of its own.
 * Without direct system calls there is no way to tell, and the answer is yes.
 * @param ms milliseconds
 */
export async function waitForInput(fd: number, ms: number): Promise<boolean> {
  const api = calls();
  if (api === undefined) return true;
  const file = Buffer.alloc(8);
  file.writeInt32LE(fd, 0);
  file.writeInt16LE(POLLIN, 4);
  if (api.poll(file, 1, 0) !== 0) return true;
  return new Promise((resolve, reject) => {
    api.poll.async(file, 1, ms, (error: unknown, ready: number) => {
      if (error) reject(error as Error);
      else resolve(ready > 0);
    });
  });
}

const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;

/** Renames unless something is at `to`. @returns whether it renamed */
export function renameOnce(from: string, to: string): boolean {
  const api = calls();
  try {
    if (api !== undefined) {
      if (api.renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) === 0) return true;
      const error = failed(api, 'renameat2', to);
      // Some file systems know no flags.
      if (error.code !== 'EINVAL') throw error;
    }
    if (fs.existsSync(to)) return false;
    fs.renameSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST', 'ENOTEMPTY')) return false;
    throw error;
  }
}

/** Lets two names trade places in one step. @returns false, having done nothing, where the system cannot do that */
export function exchange(one: string, other: string): boolean {
  const api = calls();
  if (api === undefined) return false;
  if (api.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) === 0) return true;
  const error = failed(api, 'renameat2', other);
  // Some file systems know no flags.
  if (error.code === 'EINVAL') return false;
  throw error;
}

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

/**
 * Takes an advisory lock without waiting. The kernel drops it when the descriptor closes, however its process ends.
 * @returns whether the lock was free
 */
export function tryFlock(fd: number, exclusive: boolean): boolean {
  const api = calls();
  if (api === undefined) {
    // The lock belongs to the open file description, so a child that inherits it can take it for us.
    const done = programs().spawnSync('flock', ['-n', exclusive ? '-x' : '-s', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    });
    if (done.error !== undefined) throw done.error;
    return done.status === 0;
  }
  if (api.flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) === 0) return true;
  const error = failed(api, 'flock');
  if (error.code === 'EAGAIN' || error.code === 'EWOULDBLOCK' || error.code === 'EINTR') return false;
  throw error;
}

/** Lets go of a lock whose descriptor stays open. */
export function dropFlock(fd: number): void {
  const api = calls();
  if (api === undefined) {
    const done = programs().spawnSync('flock', ['-u', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
    if (done.error !== undefined) throw done.error;
  } else if (api.flock(fd, LOCK_UN) !== 0) throw failed(api, 'flock');
}

/** A device's number. */
export interface DeviceNumber {
  devMajor: number;
  devMinor: number;
}

/** Makes a fifo or device node. @param kind one of {@link fileKinds} @param device means nothing for a fifo */
export function mknod(path: ByteString, kind: number, mode: number, device: DeviceNumber): void {
  const { devMajor: major, devMinor: minor } = device;
  const api = calls();
  if (api === undefined) {
    const type = kind === fileKinds.fifo ? ['p'] : [kind === fileKinds.char ? 'c' : 'b', `${major}`, `${minor}`];
    const done = programs().spawnSync('mknod', ['-m', (mode & 0o777).toString(8), '--', path, ...type], {
      encoding: 'utf8',
    });
    if (done.status !== 0) throw Object.assign(new Error(`mknod: ${done.stderr}`), { code: 'EPERM', syscall: 'mknod' });
    return;
  }
  if (api.mknod(cString(path), kind | mode, deviceNumber(major, minor)) !== 0) throw failed(api, 'mknod', path);
}

export const fileKinds = { fifo: 0o010000, char: 0o020000, block: 0o060000 } as const;

/** `makedev(3)` as glibc and musl spell it. */
function deviceNumber(major: number, minor: number): bigint {
  const big = BigInt(major);
  const small = BigInt(minor);
  return ((big & 0xfffff000n) << 32n) | ((big & 0xfffn) << 8n) | ((small & 0xffffff00n) << 12n) | (small & 0xffn);
}

export function splitDeviceNumber(device: bigint): { major: number; minor: number } {
  const major = ((device >> 32n) & 0xfffff000n) | ((device >> 8n) & 0xfffn);
  const minor = ((device >> 12n) & 0xffffff00n) | (device & 0xffn);
  return { major: Number(major), minor: Number(minor) };
}

/** Sets access and modification time to the nanosecond. @returns false, having set none, without direct system calls */
export function setTimes(path: ByteString, sec: number, nsec: number): boolean {
  const api = calls();
  if (api === undefined) return false;
  const times = Buffer.alloc(32);
  for (const at of [0, 16]) {
    times.writeBigInt64LE(BigInt(sec), at);
    times.writeBigInt64LE(BigInt(nsec), at + 8);
  }
  if (api.utimensat(AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW) !== 0) throw failed(api, 'utimensat', path);
  return true;
}
