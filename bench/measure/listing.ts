/** Reads a tree on disk into records that can be compared. */
import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath } from '../../engine/core/bytes.js';

export interface Listed {
  type: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Nanoseconds since 1970. */
  mtime: bigint;
  /** Of a regular file. */
  size: number;
  /** sha256 of a file's content; a symlink's target; a device's number. */
  content: string;
  /** The first path, in byte order, that has the same inode; its own path where it is the first. */
  group: ByteString;
}

/** By path below the root; the root itself is `''`. */
export type Listing = ReadonlyMap<ByteString, Listed>;

export function listTree(root: string): Listing {
  const listing = new Map<ByteString, Listed>();
  const groups = new Map<bigint, ByteString>();
  const top = fromText(root);
  const visit = (path: ByteString): void => {
    const full = toFsPath(path === '' ? top : `${top}/${path}`);
    const stat = fs.lstatSync(full, { bigint: true });
    const group = stat.isDirectory() ? path : (groups.get(stat.ino) ?? path);
    groups.set(stat.ino, group);
    listing.set(path, {
      type: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'other',
      mode: Number(stat.mode & 0o7777n),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtime: stat.mtimeNs,
      size: stat.isFile() ? Number(stat.size) : 0,
      content: contentOf(full, stat),
      group,
    });
    if (!stat.isDirectory()) return;
    const below = path === '' ? '' : `${path}/`;
    for (const name of fs.readdirSync(full, { encoding: 'latin1' }).sort()) visit(below + name);
  };
  visit('');
  return listing;
}

function contentOf(path: string | Buffer, stat: fs.BigIntStats): string {
  if (stat.isFile()) return hash('sha256', fs.readFileSync(path));
  if (stat.isSymbolicLink()) return fs.readlinkSync(path, 'latin1');
  return stat.isDirectory() ? '' : `${stat.mode & 0o170000n}:${stat.rdev}`;
}

export interface Census {
  /** The root itself is not counted. */
  entries: number;
  /** The sum of the sizes of regular files; a file with two names counts twice. */
  bytes: number;
}

export function censusOf(listing: Listing): Census {
  let bytes = 0;
  for (const { size } of listing.values()) bytes += size;
  return { entries: listing.size - 1, bytes };
}
