/** Compares the metadata that an inode carries with the metadata that it was given. */
import { formatMode, formatTime, isOverlayXattr, type Metadata, type SkippedKind } from '../core/metadata.js';
import type { FileStat } from './stat.js';

/** Without direct system calls, Node's own calls cut times to this many nanoseconds. */
const MICROSECOND = 1000;

/** Whether an attribute is a label that a host puts on every file: no part of an image unless the image brings it. */
export function isHostXattr(name: string): boolean {
  return name === 'security.selinux';
}

/** Whether an attribute says something of this machine or of a mount: no part of an image that is made here. */
export function isOfMachine(name: string): boolean {
  return isHostXattr(name) || isOverlayXattr(name) || /^(?:security\.(?:ima|evm)|system\.nfs4_acl)$/.test(name);
}

/** @param wasSkipped whether the metadata of a given name could not be set when the inode was made */
export function metadataFaults(
  stat: FileStat,
  wanted: Omit<Metadata, 'xattrs'>,
  wasSkipped: (kind: SkippedKind) => boolean,
): string[] {
  const whats: string[] = [];
  // The mode of a symlink means nothing, and cannot be set.
  if (stat.type !== 'symlink' && stat.mode !== wanted.mode && !wasSkipped('mode')) {
    whats.push(`mode ${formatMode(stat.mode)} instead of ${formatMode(wanted.mode)}`);
  }
  if ((stat.uid !== wanted.uid || stat.gid !== wanted.gid) && !wasSkipped('owner')) {
    whats.push(`owner ${stat.uid}:${stat.gid} instead of ${wanted.uid}:${wanted.gid}`);
  }
  if (!isTime(stat, wanted, wasSkipped('time below a microsecond')) && !wasSkipped('time')) {
    whats.push(`mtime ${formatTime(stat.sec, stat.nsec)} instead of ${formatTime(wanted.sec, wanted.nsec)}`);
  }
  return whats;
}

type Time = Pick<Metadata, 'sec' | 'nsec'>;

/** @param coarse ignores a difference of up to a microsecond */
export function isTime(found: Time, wanted: Time, coarse: boolean): boolean {
  const distance = Math.abs((found.sec - wanted.sec) * 1e9 + (found.nsec - wanted.nsec));
  return distance === 0 || (coarse && distance <= MICROSECOND);
}
