/** Looks whether objects and blobs are what their names say. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { fromText } from '../engine/bytes.js';
import { faultOf } from '../engine/fault.js';
import { shardedPath } from '../engine/layout.js';
import { listXattrs } from '../engine/native.js';
import { formatMode, formatTime, parseVariant, type Variant, xattrsDigest } from '../engine/object.js';
import type { Finding, VerifyBlobsTask, VerifyObjectsTask, VerifyResult } from './check-tasks.js';
import { checkCancelled, countBytes, countItems } from './control.js';
import type { Control } from './task-parts.js';

const CHUNK = 1 << 20;
const OTHER_BYTES = 'content does not have the hash it is named by';
const NANO = 1_000_000_000n;

export function verifyObjects(task: VerifyObjectsTask): VerifyResult {
  const findings: Finding[] = [];
  let bytes = 0;
  const buffer = Buffer.allocUnsafe(CHUNK);
  task.names.forEach((name, i) => {
    checkCancelled(task.control);
    const path = shardedPath(task.objects, name);
    const size = task.sizes[i] as number;
    const variant = parseVariant(name.slice(129));
    try {
      const whats =
        variant === undefined ? ['not an object name'] : lookAt(path, size, variant, task.skipped[name] ?? []);
      if (whats.length === 0 && !task.quick && hashFile(path, buffer, task.control) !== name.slice(0, 128)) {
        whats.push(OTHER_BYTES);
      }
      for (const what of whats) findings.push({ id: name, what });
    } catch (error) {
      findings.push({ id: name, what: faultOf(error) });
    }
    bytes += size;
    countItems(task.control, 1);
  });
  return { bytes, findings };
}

function lookAt(path: string, size: number, variant: Variant, skipped: readonly string[]): string[] {
  const stat = fs.lstatSync(path, { bigint: true });
  if (!stat.isFile()) return ['not a regular file'];
  const whats: string[] = [];
  if (stat.size !== BigInt(size)) return [`${stat.size} bytes instead of ${size}`];
  const mode = Number(stat.mode & 0o7777n);
  if (mode !== variant.mode && !skipped.includes('mode')) {
    whats.push(`mode ${formatMode(mode)} instead of ${formatMode(variant.mode)}`);
  }
  if ((Number(stat.uid) !== variant.uid || Number(stat.gid) !== variant.gid) && !skipped.includes('owner')) {
    whats.push(`owner ${stat.uid}:${stat.gid} instead of ${variant.uid}:${variant.gid}`);
  }
  const time = timeFault(stat.mtimeNs, variant.sec, variant.nsec, skipped.includes('time below a microsecond'));
  if (time !== undefined && !skipped.includes('time')) whats.push(time);
  if (!skipped.some((what) => what.startsWith('xattr ')) && !hasXattrs(path, variant.xattrs)) {
    whats.push('extended attributes differ');
  }
  return whats;
}

/** @param digest what they must hash to; `undefined` for none at all */
function hasXattrs(path: string, digest: string | undefined): boolean {
  const found = listXattrs(fromText(path));
  if (found === undefined) return true; // there is no way to tell
  const all = [...found].map(([name, value]) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : 1));
  // One that every host has may also be the image's own.
  const own = all.filter(({ name }) => !isHostXattr(name));
  const digestOf = (xattrs: typeof all): string | undefined => (xattrs.length === 0 ? undefined : xattrsDigest(xattrs));
  return digestOf(own) === digest || digestOf(all) === digest;
}

/** Labels that a host puts on every file; they are no part of an image unless it brings them itself. */
export function isHostXattr(name: string): boolean {
  return name === 'security.selinux';
}

/** What differs between a time on disk and the one that was meant. */
export function timeFault(found: bigint, sec: number, nsec: number, coarse: boolean): string | undefined {
  const wanted = BigInt(sec) * NANO + BigInt(nsec);
  const distance = found > wanted ? found - wanted : wanted - found;
  if (distance === 0n || (coarse && distance <= 1000n)) return undefined;
  return `mtime ${formatTime(Number(found / NANO), Number(found % NANO))} instead of ${formatTime(sec, nsec)}`;
}

export function verifyBlobs(task: VerifyBlobsTask): VerifyResult {
  const findings: Finding[] = [];
  let bytes = 0;
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (const { path, sha512, size } of task.blobs) {
    checkCancelled(task.control);
    try {
      const stat = fs.lstatSync(path);
      if (!stat.isFile()) findings.push({ id: path, what: 'not a regular file' });
      else if (stat.size !== size) findings.push({ id: path, what: `${stat.size} bytes instead of ${size}` });
      else if (!task.quick && hashFile(path, buffer, task.control) !== sha512) {
        findings.push({ id: path, what: OTHER_BYTES });
      }
    } catch (error) {
      findings.push({ id: path, what: faultOf(error) });
    }
    bytes += size;
    countItems(task.control, 1);
  }
  return { bytes, findings };
}

/** sha512 of a file in hex; an unreadable one has none. */
export function hashFile(path: string | Buffer, buffer: Buffer, control: Control): string {
  const hash = createHash('sha512');
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    for (;;) {
      const taken = fs.readSync(fd, buffer, 0, buffer.length, null);
      if (taken === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, taken));
      countBytes(control, taken);
      checkCancelled(control);
    }
  } catch (error) {
    // A sector that cannot be read is damage like any other, and is named as such.
    if ((error as NodeJS.ErrnoException).code === 'EIO') return '';
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}
