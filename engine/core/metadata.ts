/** A file's metadata: type, permission bits, owners, time and extended attributes, and how people write these. */
import { hash } from 'node:crypto';
import { type ByteString, toBuffer } from './bytes.js';

/** Everything that an inode carries besides its content. */
export interface Metadata {
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Modification time: whole seconds since 1970 and nanoseconds. */
  sec: number;
  nsec: number;
  xattrs: readonly Xattr[];
}

/** `0755`: permission bits as people write them. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** Seconds, with a fraction only if there is one, without trailing zeros: `1735689600`, `1735689600.25`. */
export function formatTime(sec: number, nsec: number, point = '.'): string {
  if (nsec === 0) return `${sec}`;
  return `${sec}${point}${nsec.toString().padStart(9, '0').replace(/0+$/, '')}`;
}

/** sha512 over each name and value with its length, cut to 256 bits so that an object's name fits a file name. */
export function xattrsDigest(xattrs: readonly Xattr[]): string {
  const parts: Buffer[] = [];
  for (const { name, value } of xattrs) parts.push(toBuffer(`${name.length}:${name}${value.length}:`), value);
  return hash('sha512', Buffer.concat(parts)).slice(0, 64);
}

/** A point in time, at or after 1970. */
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

/** Our own identity, as far as it decides what can be set on a file. */
export interface Identity {
  uid: number;
  gid: number;
  /** Bits that `open` and `mkdir` will not set. */
  umask: number;
}

/**
 * Whether overlayfs gives an attribute a meaning of its own. In an archive such an attribute is only ever an attack on
 * whoever mounts the tree. It is never set, and nobody misses it.
 */
export function isOverlayXattr(name: ByteString): boolean {
  return /^(?:trusted|user)\.overlay\./.test(name);
}
