/**
 * Tells what lies at a path, with times to the nanosecond. Node gives those only with fourteen big integers for each
 * file, which take as long to make as the system call itself. That counts when a whole store is checked.
 */
import * as fs from 'node:fs';
import { type ByteString, toFsPath } from '../core/bytes.js';
import { type NodeType, timeOf } from '../core/metadata.js';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, calls, splitDeviceNumber } from './native.js';

export interface FileStat {
  type: NodeType | 'socket';
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Modification time: whole seconds since 1970 and nanoseconds. */
  sec: number;
  nsec: number;
  /** The last change of the inode, which nobody can set. */
  changedSec: number;
  changedNsec: number;
  /** Names of the file. */
  links: number;
  /** Identifies the file, together with `device`. */
  ino: bigint;
  device: number;
  /** Number of the device that a device node stands for. */
  devMajor: number;
  devMinor: number;
}

const TYPES: ReadonlyMap<number, FileStat['type']> = new Map([
  [0o01, 'fifo'],
  [0o02, 'char'],
  [0o04, 'dir'],
  [0o06, 'block'],
  [0o10, 'file'],
  [0o12, 'symlink'],
  [0o14, 'socket'],
]);

/** Offsets in `struct statx`, which are the same on every Linux. */
const FIELDS = {
  links: 16,
  uid: 20,
  gid: 24,
  mode: 28,
  ino: 32,
  size: 40,
  changedSec: 96,
  changedNsec: 104,
  sec: 112,
  nsec: 120,
  node: 128,
  device: 136,
} as const;
const STATX_BYTES = 256;
const STATX_BASIC_STATS = 0x7ff;
/** The system refuses longer paths. */
const PATH_MAX = 4096;

/** Shared buffers: making them for every file would take as long as the call. */
const room = Buffer.alloc(PATH_MAX);
const found = Buffer.alloc(STATX_BYTES);
const fields = new DataView(found.buffer, found.byteOffset);

/** The stat of a path, never of a symlink's target; `undefined` where nothing is. @throws as `lstat` does otherwise */
export function fileStat(path: ByteString): FileStat | undefined {
  const statx = calls()?.statx;
  if (statx !== undefined && path.length < PATH_MAX) {
    room[room.write(path, 0, 'latin1')] = 0;
    if (statx(AT_FDCWD, room, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, found) === 0) return ofSystem();
  }
  // Node asks again, and reports whatever is wrong.
  const stat = fs.lstatSync(toFsPath(path), { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? undefined : ofNode(stat);
}

/** The stat of a name in an open directory. @param dir the directory, and a path that leads to it */
export function fileStatIn(dir: { fd: number; path: ByteString }, name: ByteString): FileStat | undefined {
  const statx = calls()?.statx;
  if (statx !== undefined && name.length < PATH_MAX) {
    room[room.write(name, 0, 'latin1')] = 0;
    if (statx(dir.fd, room, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, found) === 0) return ofSystem();
  }
  return fileStat(`${dir.path}/${name}`);
}

/** The stat of an open file. */
export function openFileStat(fd: number): FileStat {
  const statx = calls()?.statx;
  if (statx !== undefined) {
    room[0] = 0;
    if (statx(fd, room, AT_EMPTY_PATH, STATX_BASIC_STATS, found) === 0) return ofSystem();
  }
  return ofNode(fs.fstatSync(fd, { bigint: true }));
}

function ofSystem(): FileStat {
  const number = (at: number): number => fields.getUint32(at, true);
  const mode = fields.getUint16(FIELDS.mode, true);
  return {
    type: typeOf(mode),
    mode: mode & 0o7777,
    uid: number(FIELDS.uid),
    gid: number(FIELDS.gid),
    size: Number(fields.getBigUint64(FIELDS.size, true)),
    sec: Number(fields.getBigInt64(FIELDS.sec, true)),
    nsec: number(FIELDS.nsec),
    changedSec: Number(fields.getBigInt64(FIELDS.changedSec, true)),
    changedNsec: number(FIELDS.changedNsec),
    links: number(FIELDS.links),
    ino: fields.getBigUint64(FIELDS.ino, true),
    device: joined(number(FIELDS.device), number(FIELDS.device + 4)),
    devMajor: number(FIELDS.node),
    devMinor: number(FIELDS.node + 4),
  };
}

function ofNode(stat: fs.BigIntStats): FileStat {
  const changed = timeOf(stat.ctimeNs);
  const node = splitDeviceNumber(stat.rdev);
  const device = splitDeviceNumber(stat.dev);
  return {
    type: typeOf(Number(stat.mode)),
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    ...timeOf(stat.mtimeNs),
    changedSec: changed.sec,
    changedNsec: changed.nsec,
    links: Number(stat.nlink),
    ino: stat.ino,
    device: joined(device.major, device.minor),
    devMajor: node.major,
    devMinor: node.minor,
  };
}

function typeOf(mode: number): FileStat['type'] {
  return TYPES.get(mode >> 12) ?? 'socket';
}

function joined(major: number, minor: number): number {
  return major * 2 ** 32 + minor;
}
