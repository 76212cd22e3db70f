/**
 * An *object* is the content of one regular file together with the metadata its inode carries, since a hard link shares both.
 * Its name says all of it in plain text: `<sha512>.<mode>.<uid>.<gid>.<mtime>[.x<xattrs digest>]`, the *variant* being what follows the content's hash.
 */
import { hash } from 'node:crypto';
import type { Xattr } from '../layer/tar/entry.js';
import { toBuffer } from './bytes.js';

/** What an inode carries besides its content. */
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

/** Seconds, with the fraction as far as it goes: `1735689600`, `1735689600.25`. */
export function formatTime(sec: number, nsec: number, point = '.'): string {
  if (nsec === 0) return `${sec}`;
  return `${sec}${point}${nsec.toString().padStart(9, '0').replace(/0+$/, '')}`;
}

export function variantOf(meta: Metadata): string {
  const plain = `${formatMode(meta.mode)}.${meta.uid}.${meta.gid}.${formatTime(meta.sec, meta.nsec, ',')}`;
  return meta.xattrs.length === 0 ? plain : `${plain}.x${xattrsDigest(meta.xattrs)}`;
}

/** sha512, cut to 256 bits so that the name fits a file name, over each name and value with its length. */
export function xattrsDigest(xattrs: readonly Xattr[]): string {
  const parts: Buffer[] = [];
  for (const { name, value } of xattrs) parts.push(toBuffer(`${name.length}:${name}${value.length}:`), value);
  return hash('sha512', Buffer.concat(parts)).slice(0, 64);
}

/** The permission bits, owner and time that a variant spells, and whether extended attributes go with them. */
export interface Variant extends Omit<Metadata, 'xattrs'> {
  xattrs: string | undefined;
}

const VARIANT = /^([0-7]{4})\.([0-9]+)\.([0-9]+)\.([0-9]+)(?:,([0-9]{1,9}))?(?:\.x([0-9a-f]{64}))?(?:\+[0-9]+)?$/;

export function parseVariant(variant: string): Variant | undefined {
  const match = VARIANT.exec(variant);
  if (match === null) return undefined;
  return {
    mode: Number.parseInt(match[1] as string, 8),
    uid: Number(match[2]),
    gid: Number(match[3]),
    sec: Number(match[4]),
    nsec: Number((match[5] ?? '').padEnd(9, '0')),
    xattrs: match[6],
  };
}
