/**
 * An *object* is the content of one regular file together with the metadata its inode carries, since a hard link shares both.
 * Its name says all of it in plain text: `<sha512>.<mode>.<uid>.<gid>.<mtime>[.x<xattrs digest>]`, the *variant* being what follows the content's hash.
 */
import { formatMode, formatTime, type Metadata, xattrsDigest } from '../core/metadata.js';

export function variantOf(meta: Metadata): string {
  const plain = `${formatMode(meta.mode)}.${meta.uid}.${meta.gid}.${formatTime(meta.sec, meta.nsec, ',')}`;
  return meta.xattrs.length === 0 ? plain : `${plain}.x${xattrsDigest(meta.xattrs)}`;
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
