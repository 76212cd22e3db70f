/** A file's metadata: type, permission bits, owners, time and extended attributes, and how people write these. */
import { hash } from 'node:crypto';
import { type ByteString, toBuffer } from './bytes.js';

/** Everything that an inode carries besides its content. */
export interface Metadata {
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Modification time: whole seconds since 1970, below zero before it, and the nanoseconds that follow them. */
  sec: number;
  nsec: number;
  xattrs: readonly Xattr[];
}

/** `0755`: permission bits as people write them. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/**
 * Seconds, with a fraction only if there is one, without trailing zeros: `1735689600`, `1735689600.25`, and half a
 * second before 1970 `-0.5`.
 */
export function formatTime(sec: number, nsec: number, point = '.'): string {
  if (nsec === 0) return `${sec}`;
  const [sign, seconds, rest] = sec < 0 ? ['-', -sec - 1, NANO - nsec] : ['', sec, nsec];
  return `${sign}${seconds}${point}${rest.toString().padStart(9, '0').replace(/0+$/, '')}`;
}

/**
 * Undoes {@link formatTime}. Digits past nanoseconds are cut off, since no file system keeps them.
 * @returns `undefined` for another text, and for more than 2^53 seconds
 */
export function parseTime(text: string, point = '.'): Time | undefined {
  const [whole = '', fraction = '', ...more] = text.split(point);
  const seconds = /^-?[0-9]{1,16}$/.test(whole) ? Math.abs(Number(whole)) : Number.NaN;
  if (!(seconds <= Number.MAX_SAFE_INTEGER) || !/^[0-9]*$/.test(fraction) || more.length > 0) return undefined;
  const nsec = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (!whole.startsWith('-')) return { sec: seconds, nsec };
  return nsec === 0 ? { sec: 0 - seconds, nsec } : { sec: -seconds - 1, nsec: NANO - nsec };
}

const NANO = 1_000_000_000;

/** The same point in time, from nanoseconds since 1970. Seconds are rounded down, also before 1970. */
export function timeOf(nanoseconds: bigint): Time {
  const billion = BigInt(NANO);
  const nsec = ((nanoseconds % billion) + billion) % billion;
  return { sec: Number((nanoseconds - nsec) / billion), nsec: Number(nsec) };
}

/** sha512 over each name and value with its length, cut to 256 bits so that an object's name fits a file name. */
export function xattrsDigest(xattrs: readonly Xattr[]): string {
  const parts: Buffer[] = [];
  for (const { name, value } of xattrs) parts.push(toBuffer(`${name.length}:${name}${value.length}:`), value);
  return hash('sha512', Buffer.concat(parts)).slice(0, 64);
}

/** A point in time: whole seconds since 1970, below zero before it, and the nanoseconds that follow them. */
export interface Time {
  sec: number;
  nsec: number;
}

export interface Xattr {
  name: ByteString;
  value: Buffer;
}

/**
 * Metadata that a system may refuse to set, as records and JSON spell it. `xattr` is followed by the attribute's
 * name.
 */
export type SkippedKind =
  | 'mode'
  | 'owner'
  | 'time'
  | 'time below a microsecond'
  | 'fifo'
  | 'device'
  | `xattr ${string}`;

export function isXattrKind(kind: SkippedKind): boolean {
  return kind.startsWith('xattr ');
}

export type EntryType = 'file' | 'dir' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

export type NodeType = Exclude<EntryType, 'hardlink'>;

/** What new files of ours get, and what we may do to files. Found out by doing it: no number says it for certain. */
export interface Identity {
  /** Owners of a new file. */
  uid: number;
  gid: number;
  /** Bits that `open` and `mkdir` will not set. */
  umask: number;
  /** Modes keep us from no file of ours. */
  overridesModes: boolean;
  /** A file of ours can be given to another user, as far as the system knows that user, and still be changed then. */
  givesAway: boolean;
}

/**
 * Whether overlayfs gives an attribute a meaning of its own. In an archive such an attribute is only ever an attack on
 * whoever mounts the tree. It is never set, and nobody misses it.
 */
export function isOverlayXattr(name: ByteString): boolean {
  return /^(?:trusted|user)\.overlay\./.test(name);
}
