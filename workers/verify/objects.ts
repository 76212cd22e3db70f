/** Looks whether objects and blobs are what their names say. */
import { type ByteString, fromText } from '../../engine/core/bytes.js';
import { xattrsDigest } from '../../engine/core/metadata.js';
import { shardedPath } from '../../engine/disk/layout.js';
import { faultOf } from '../../engine/disk/path-fault.js';
import { type FileStat, fileStat } from '../../engine/disk/stat.js';
import { listXattrs } from '../../engine/disk/xattrs.js';
import { parseVariant } from '../../engine/objects/name.js';
import { HASH_ROOM, hashOf, reading } from '../files/hash-file.js';
import { isHostXattr, metadataFaults } from '../files/verify-metadata.js';
import { checkCancelled, countItems } from '../tasks/control.js';
import type { Finding, VerifiedObjects, VerifyBlobsTask, VerifyObjectsTask, VerifyResult } from '../tasks/verify.js';

const OTHER_BYTES = 'content does not have the hash it is named by';

export function verifyObjects(task: VerifyObjectsTask): VerifiedObjects {
  const findings: Finding[] = [];
  const names = task.names.split('\0');
  const inodes = new BigUint64Array(names.length);
  const { device } = fileStat(fromText(task.objects)) ?? {};
  const room = Buffer.allocUnsafe(HASH_ROOM);
  let bytes = 0;
  names.forEach((name, i) => {
    checkCancelled(task.control);
    const size = task.sizes[i] as number;
    try {
      const path = fromText(shardedPath(task.objects, name));
      const stat = fileStat(path);
      if (stat !== undefined && stat.device === device) inodes[i] = stat.ino;
      for (const what of faultsOfObject(task, name, path, stat, size, room)) findings.push({ id: name, what });
    } catch (error) {
      findings.push({ id: name, what: faultOf(error) });
    }
    bytes += size;
    countItems(task.control, 1);
  });
  return { bytes, findings, inodes };
}

function faultsOfObject(
  task: VerifyObjectsTask,
  name: string,
  path: ByteString,
  stat: FileStat | undefined,
  size: number,
  room: Buffer,
): string[] {
  const variant = parseVariant(name.slice(129));
  if (variant === undefined) return ['not an object name'];
  if (stat === undefined) return ['missing'];
  if (stat.type !== 'file') return ['not a regular file'];
  if (stat.size !== size) return [`${stat.size} bytes instead of ${size}`];
  const skipped = task.skipped[name] ?? [];
  const metadata = metadataFaults(stat, variant, (what) => skipped.includes(what));
  const xattrs = (file: ByteString | number): string[] =>
    skipped.some((what) => what.startsWith('xattr ')) || hasXattrs(file, variant.xattrs)
      ? []
      : ['extended attributes differ'];
  if (task.quick || metadata.length > 0) return [...metadata, ...xattrs(path)];
  return reading(path, (fd) => {
    const faults = xattrs(fd);
    if (faults.length > 0) return faults;
    return hashOf(fd, size, room, task.control) === name.slice(0, 128) ? [] : [OTHER_BYTES];
  });
}

/** @param digest what they must hash to; `undefined` for none at all */
function hasXattrs(file: ByteString | number, digest: string | undefined): boolean {
  const found = listXattrs(file);
  if (found === undefined) return true; // there is no way to tell
  if (found.size === 0) return digest === undefined;
  const all = [...found].map(([name, value]) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : 1));
  // One that every host has may also be the image's own.
  const own = all.filter(({ name }) => !isHostXattr(name));
  const digestOf = (xattrs: typeof all): string | undefined => (xattrs.length === 0 ? undefined : xattrsDigest(xattrs));
  return digestOf(own) === digest || digestOf(all) === digest;
}

export function verifyBlobs(task: VerifyBlobsTask): VerifyResult {
  const findings: Finding[] = [];
  const room = Buffer.allocUnsafe(HASH_ROOM);
  let bytes = 0;
  for (const { path, sha512, size } of task.blobs) {
    checkCancelled(task.control);
    try {
      const what = faultOfBlob(task, fromText(path), sha512, size, room);
      if (what !== undefined) findings.push({ id: path, what });
    } catch (error) {
      findings.push({ id: path, what: faultOf(error) });
    }
    bytes += size;
    countItems(task.control, 1);
  }
  return { bytes, findings };
}

function faultOfBlob(
  { quick, control }: VerifyBlobsTask,
  path: ByteString,
  sha512: string,
  size: number,
  room: Buffer,
): string | undefined {
  const stat = fileStat(path);
  if (stat === undefined) return 'missing';
  if (stat.type !== 'file') return 'not a regular file';
  if (stat.size !== size) return `${stat.size} bytes instead of ${size}`;
  if (quick || reading(path, (fd) => hashOf(fd, size, room, control)) === sha512) return undefined;
  return OTHER_BYTES;
}
