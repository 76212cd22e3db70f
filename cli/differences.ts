/** Differences between two trees, for people. */
import { printable } from '../engine/core/printable.js';
import type { Difference } from '../engine/inspect/compare.js';
import type { FileRecord } from '../engine/inspect/files.js';
import { formatSize } from './units.js';

const SIGNS: Readonly<Record<Difference['change'], string>> = { added: 'A', removed: 'D', changed: 'M' };

/** `M etc/motd  content 12 B → 30 B, mode 0644 → 0600` */
export function differenceText({ path, change, fields, before, after }: Difference): string {
  const changes =
    before === null || after === null
      ? []
      : fields.map((field) => `${field} ${from(field, before)} → ${from(field, after)}`);
  const one = before ?? after;
  const what =
    changes.length > 0 ? changes.join(', ') : one?.type === 'file' ? formatSize(one.size) : (one?.type ?? '');
  return `${printable(`${SIGNS[change]} ${path}  ${what}`)}\n`;
}

function from(field: string, { type, size, link, dev, mode, uid, gid, xattrs, mtime, group }: FileRecord): string {
  switch (field) {
    case 'type':
      return type;
    case 'content':
      return formatSize(size);
    case 'link':
      return link ?? '-';
    case 'device':
      return dev === undefined ? '-' : `${dev.major}:${dev.minor}`;
    case 'mode':
      return mode;
    case 'owner':
      return `${uid}:${gid}`;
    case 'xattrs':
      return Object.keys(xattrs ?? {}).join(' ') || '-';
    case 'mtime':
      return new Date(mtime * 1000).toISOString();
    default:
      return group ?? '-';
  }
}

export interface DifferenceCounts {
  added: number;
  removed: number;
  changed: number;
  /** Bytes of files that are new or have another content, and of those that are gone or had. */
  addedBytes: number;
  removedBytes: number;
}

export function countDifferences(differences: readonly Difference[]): DifferenceCounts {
  const counts: DifferenceCounts = { added: 0, removed: 0, changed: 0, addedBytes: 0, removedBytes: 0 };
  for (const { change, fields, before, after } of differences) {
    counts[change]++;
    if (change === 'changed' && !fields.includes('content')) continue;
    counts.addedBytes += after?.size ?? 0;
    counts.removedBytes += before?.size ?? 0;
  }
  return counts;
}

export function statText({ added, removed, changed, addedBytes, removedBytes }: DifferenceCounts): string {
  return `${added} added, ${removed} removed, ${changed} changed: +${formatSize(addedBytes)} −${formatSize(removedBytes)}\n`;
}
