/**
 * The names of loose objects. An inode carries metadata besides its content, and a hard link shares both. So a loose
 * object is the content of one regular file together with its metadata, and its name says all of that in plain text:
 * `<sha512>.<mode>.<uid>.<gid>.<mtime>[.x<digest of extended attributes>]`. Further copies add `+1`, `+2`, … to it.
 */
import { formatMode, formatTime, type Metadata, parseTime, type Time, xattrsDigest } from '../core/metadata.js';
import type { FileContent, ObjectFile } from '../core/object.js';

/** The facts that the name of a loose object says. */
export interface NamedContent extends Omit<Metadata, 'xattrs'> {
  /** sha512 in hex. */
  sha512: string;
  /** Digest of the extended attributes, if there are any. */
  xattrs: string | undefined;
}

export function looseName(file: FileContent): string {
  const { key, mode, uid, gid, sec, nsec, xattrs } = file;
  const plain = `${key}.${formatMode(mode)}.${uid}.${gid}.${formatTime(sec, nsec, ',')}`;
  return xattrs.length === 0 ? plain : `${plain}.x${xattrsDigest(xattrs)}`;
}

const KEY_DIGITS = 128;
const KEY = /^[0-9a-f]{128}$/;
/** What follows the key. */
const VARIANT = /^\.([0-7]{4})\.([0-9]+)\.([0-9]+)\.(-?[0-9]+(?:,[0-9]{1,9})?)(?:\.x([0-9a-f]{64}))?$/;

export function isLooseName(text: string): boolean {
  return KEY.test(text.slice(0, KEY_DIGITS)) && VARIANT.test(text.slice(KEY_DIGITS));
}

/**
 * Takes a name apart. Whether its key is one shows when the content is hashed.
 * @returns `undefined` for a text that says no metadata
 */
export function parseLooseName(name: string): NamedContent | undefined {
  const match = VARIANT.exec(name.slice(KEY_DIGITS));
  if (match === null) return undefined;
  return {
    sha512: name.slice(0, KEY_DIGITS),
    mode: Number.parseInt(match[1] as string, 8),
    uid: Number(match[2]),
    gid: Number(match[3]),
    ...(parseTime(match[4] as string, ',') ?? NEVER),
    xattrs: match[5],
  };
}

/** Stands for a number of seconds that no {@link looseName} has. */
const NEVER: Time = { sec: Number.NaN, nsec: 0 };

/** The name of a file of an object, in the objects' directory and in reports. */
export function fileNameOf({ name, copy }: ObjectFile): string {
  return copy === 0 ? name : `${name}+${copy}`;
}

/** Undoes {@link fileNameOf}. */
export function parseFileName(text: string): ObjectFile {
  const [, name, copy] = /^(.*)\+([1-9][0-9]*)$/.exec(text) ?? [];
  return name === undefined ? { name: text, copy: 0 } : { name, copy: Number(copy) };
}
