/** Compares what an inode carries besides its content with what it was given. */
import { formatMode, formatTime, type Metadata, type SkippedKind } from '../core/metadata.js';
import type { FileStat } from './stat.js';

/** Where only Node's calls were to be had, times were cut to this. */
const MICROSECOND = 1000;

/** Labels that a host puts on every file; they are no part of an image unless it brings them itself. */
export function isHostXattr(name: string): boolean {
  return name === 'security.selinux';
}

/** @param wasSkipped whether something could not be set when it was made, by its name */
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

/** @param coarse less than a microsecond does not count */
export function isTime(found: Time, wanted: Time, coarse: boolean): boolean {
  const distance = Math.abs((found.sec - wanted.sec) * 1e9 + (found.nsec - wanted.nsec));
  return distance === 0 || (coarse && distance <= MICROSECOND);
}
