/**
 * Mounts file systems, by the system calls that take options one by one: `mount(2)` takes all of them in one string of
 * at most a page, too short for a tree with thousands of devices.
 *
 * Options that Linux takes are at most 255 bytes long. A longer one can only be a path, so it goes by way of a
 * descriptor of a directory on that path.
 */
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { CairnError, type ErrorDetails, errnoName } from '../core/errors.js';
import { AT_FDCWD, type Call, calls, ffiFault } from './native.js';

/** A flag by itself, or a key with its value; they may repeat, and their order counts. */
export type MountOption = string | readonly [key: string, value: string];

const ATTRIBUTES = { ro: 1, nosuid: 2, nodev: 4, noexec: 8, noatime: 0x10 } as const;
export type MountAttribute = keyof typeof ATTRIBUTES;

export interface FileSystem {
  /** As the kernel calls it: `erofs`, `overlay`. */
  type: string;
  /** What a mount(8) of `type` takes behind `-o`; the source is the option `source`. */
  options: readonly MountOption[];
  /** Of the mount, not of the file system. */
  attributes?: readonly MountAttribute[];
}

export interface MountRequest extends FileSystem {
  /** A directory. A symlink is not followed. */
  target: string;
}

/** A mount that nobody sees yet. It is gone when the descriptor is closed, unless it was attached. */
export interface DetachedMount {
  /** A descriptor of its root. */
  fd: number;
  attach(target: string): void;
  close(): void;
}

/**
 * Mounts a file system.
 * @throws CairnError `ERR_UNSUPPORTED` where the machine or the user cannot mount such a file system; `ERR_IO` with the
 * kernel's words otherwise
 */
export function mountFilesystem({ target, ...fileSystem }: MountRequest): void {
  const mount = createMount(fileSystem);
  try {
    mount.attach(target);
  } finally {
    mount.close();
  }
}

/** Makes a mount without a place. It goes when it is closed, or its process ends. @throws as {@link mountFilesystem} */
export function createMount({ type, options, attributes = [] }: FileSystem): DetachedMount {
  const api = mountCalls();
  const context = api.fsopen(FSOPEN, type, CLOEXEC);
  if (context < 0) throw mountError(api, { type, doing: 'fsopen' });
  const shortened = new ShortOptions();
  try {
    const configure = (command: number, key: string | null, value: string | null): void => {
      if (api.fsconfig(FSCONFIG, context, command, key, value, 0) === 0) return;
      const option = key === null ? {} : { option: value === null ? key : `${key}=${value}` };
      throw mountError(api, { type, doing: 'fsconfig', context, ...option });
    };
    for (const option of options) {
      if (typeof option === 'string') configure(SET_FLAG, option, null);
      else configure(SET_STRING, option[0], shortened.of(option[1]));
    }
    configure(CREATE, null, null);
    const bits = attributes.reduce((all, each) => all | ATTRIBUTES[each], 0);
    const fd = api.fsmount(FSMOUNT, context, CLOEXEC, bits);
    if (fd < 0) throw mountError(api, { type, doing: 'fsmount', context });
    return detached(api, type, fd);
  } finally {
    shortened.close();
    fs.closeSync(context);
  }
}

function detached(api: MountCalls, type: string, fd: number): DetachedMount {
  return {
    fd,
    attach(target) {
      if (api.moveMount(MOVE_MOUNT, fd, '', AT_FDCWD, target, FROM_EMPTY_PATH) === 0) return;
      throw mountError(api, { type, doing: 'move_mount', target });
    },
    close: () => fs.closeSync(fd),
  };
}

const MNT_DETACH = 2;
const MNT_EXPIRE = 4;
const UMOUNT_NOFOLLOW = 8;

/**
 * Takes away what is mounted at a path, the uppermost if there are several.
 * @param lazy takes the name away at once, and the rest when nobody uses it any more
 * @throws CairnError `ERR_HELD` while somebody uses it, `ERR_NOT_FOUND` if nothing is mounted there
 */
export function unmount(path: string, { lazy = false }: { lazy?: boolean } = {}): void {
  const api = mountCalls();
  if (api.umount(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) === 0) return;
  const errno = errnoName(api.errno()) ?? `E${api.errno()}`;
  const details = { path, errno };
  if (errno === 'EBUSY') throw new CairnError('ERR_HELD', `${path} is in use: a process works in it`, details);
  if (errno === 'EINVAL' || errno === 'ENOENT') {
    throw new CairnError('ERR_NOT_FOUND', `nothing is mounted at ${path}`, details);
  }
  throw new CairnError(code(errno), `cannot unmount ${path}: ${WHY[errno] ?? errno}`, details);
}

/**
 * Whether what is mounted at a path could be taken away: no process works in it, and nothing is mounted in it. No two
 * processes may ask at once. Without direct system calls nobody can tell, and nothing is said to be idle.
 */
export function isIdle(path: string): boolean {
  if (calls() === undefined) return false;
  const api = mountCalls();
  // Nothing goes at the first call, and looking at the place makes the next call the first one again (umount(2)): also
  // that of a process that was killed in between.
  fs.statSync(path, { throwIfNoEntry: false });
  const isMarked = api.umount(path, UMOUNT_NOFOLLOW | MNT_EXPIRE) !== 0 && api.errno() === constants.errno.EAGAIN;
  fs.statSync(path, { throwIfNoEntry: false });
  return isMarked;
}

// Numbers of system calls: the C library may be older than they are. All machines that Node runs on share them.
const [MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT] = [429, 430, 431, 432];
const [SET_FLAG, SET_STRING, CREATE] = [0, 1, 6];
const CLOEXEC = 1;
const FROM_EMPTY_PATH = 4;

interface MountCalls {
  fsopen: Call;
  fsconfig: Call;
  fsmount: Call;
  moveMount: Call;
  umount: Call;
  errno(): number;
}

let found: MountCalls | undefined;

function mountCalls(): MountCalls {
  if (found !== undefined) return found;
  const api = calls();
  if (api === undefined) {
    throw new CairnError('ERR_UNSUPPORTED', `mounting needs direct system calls: ${ffiFault() ?? 'there are none'}`);
  }
  found = {
    fsopen: api.find('long syscall(long number, str type, unsigned int flags)'),
    fsconfig: api.find('long syscall(long number, int context, unsigned int command, str key, str value, int aux)'),
    fsmount: api.find('long syscall(long number, int context, unsigned int flags, unsigned int attributes)'),
    moveMount: api.find('long syscall(long number, int fromDir, str from, int toDir, str to, unsigned int flags)'),
    umount: api.find('int umount2(str path, int flags)'),
    errno: api.errno,
  };
  return found;
}

/** Where and how a mount failed. */
interface Failure {
  type: string;
  doing: string;
  /** The descriptor of the file system's context, which has the kernel's own words. */
  context?: number;
  /** What the kernel did not take. */
  option?: string;
  target?: string;
}

/** What errors of these calls mean. */
const WHY: Readonly<Record<string, string>> = {
  EPERM: 'that takes root with CAP_SYS_ADMIN',
  ENOSYS: 'this kernel has no such system call (Linux 5.2 has)',
  ENODEV: 'this kernel has no such file system',
  ENOTBLK: 'this kernel, or the file system that the file lies on, cannot have it mounted without a block device',
  EOPNOTSUPP: 'this kernel cannot',
};

/** @param said by the kernel */
function code(errno: string, said: readonly string[] = []): 'ERR_UNSUPPORTED' | 'ERR_IO' {
  return errno in WHY || said.some((line) => line.includes(UNKNOWN_OPTION)) ? 'ERR_UNSUPPORTED' : 'ERR_IO';
}

/** The kernel's word for an option that it does not have yet. */
const UNKNOWN_OPTION = 'Unknown parameter';

function mountError(api: MountCalls, { type, doing, context, option, target }: Failure): CairnError {
  const errno = errnoName(api.errno()) ?? `E${api.errno()}`;
  const said = context === undefined ? [] : kernelLog(context);
  const details: ErrorDetails = { errno, ...(target === undefined ? {} : { path: target }) };
  const where = target === undefined ? '' : ` at ${target}`;
  const what = option === undefined ? '' : ` (${option})`;
  const why = said.length > 0 ? `${said.join('; ')} (${errno})` : (WHY[errno] ?? `${doing} failed with ${errno}`);
  return new CairnError(code(errno, said), `cannot mount ${type}${where}: ${why}${what}`, details);
}

/** Bytes of the longest message that the kernel makes here: an option's key and value, and words around them. */
const MESSAGE_BYTES = 4096;

/** What the kernel wrote about a file system's context: one message a read, errors and warnings only. */
function kernelLog(context: number): string[] {
  const messages: string[] = [];
  const buffer = Buffer.alloc(MESSAGE_BYTES);
  try {
    for (;;) {
      const size = fs.readSync(context, buffer);
      if (size === 0) return messages;
      // A letter says how grave it is: error, warning, information.
      const [, level, message] = /^([ewi]) (.*?)\n?$/s.exec(buffer.toString('utf8', 0, size)) ?? [];
      if (level !== 'i' && message !== undefined) messages.push(message);
    }
  } catch {
    // ENODATA: there are no more.
    return messages;
  }
}

const OPTION_BYTES = 255;
/** Bytes of `/proc/self/fd/` and a descriptor's number. */
const THROUGH_DESCRIPTOR = 24;

/** Options short enough for the kernel. The descriptors that some of them go by are open until this is closed. */
class ShortOptions {
  readonly #open = new Map<string, number>();

  of(value: string): string {
    if (Buffer.byteLength(value) <= OPTION_BYTES || !value.startsWith('/')) return value;
    // The shortest directory that leaves few enough bytes, so that alike paths share one.
    for (let slash = value.indexOf('/', 1); slash > 0; slash = value.indexOf('/', slash + 1)) {
      const rest = value.slice(slash);
      if (Buffer.byteLength(rest) + THROUGH_DESCRIPTOR <= OPTION_BYTES)
        return this.#through(value.slice(0, slash)) + rest;
    }
    return this.#through(value);
  }

  #through(path: string): string {
    const fd = this.#open.get(path) ?? fs.openSync(path, O_PATH);
    this.#open.set(path, fd);
    return `/proc/self/fd/${fd}`;
  }

  close(): void {
    for (const fd of this.#open.values()) fs.closeSync(fd);
  }
}

/** Only names a place, which takes no right to read it. Node has no name for it. */
const O_PATH = 0o10000000;
