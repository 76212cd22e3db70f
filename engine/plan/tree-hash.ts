/**
 * The canonical form of a plan, and a tree's two names: its *id*, from the layers that go in, and its *hash*, from the
 * paths that come out.
 */
import { createHash } from 'node:crypto';
import type { Key } from '../core/key.js';
import { keyOfBytes, keyOfHex, TREE_PREFIX } from '../core/key.js';
import { formatMode, formatTime, xattrsDigest } from '../core/metadata.js';
import type { Plan, PlanEntry } from './plan.js';

/** `deps-sha512-` and the sha512 of the layer keys in priority order, joined by commas. */
export function treeIdOf(layers: readonly Key[]): string {
  return `${TREE_PREFIX}${keyOfBytes(Buffer.from(layers.join(',')))}`;
}

/**
 * sha512 over the canonical form: for each path in byte order the fields path, type, mode, uid, gid, mtime, size, key,
 * link, group, device and xattrs. A NUL byte, which no field can hold, ends each field. The hash covers all of a tree.
 */
export function treeHashOf(plan: Plan): Key {
  const hash = createHash('sha512');
  let text = '';
  for (const entry of plan.entries) {
    text += canonical(entry);
    if (text.length > 1 << 18) {
      hash.update(text, 'latin1');
      text = '';
    }
  }
  return keyOfHex(hash.update(text, 'latin1').digest('hex'));
}

function canonical(entry: PlanEntry): string {
  const device = entry.type === 'char' || entry.type === 'block' ? `${entry.devMajor}:${entry.devMinor}` : '';
  const xattrs = entry.xattrs.length === 0 ? '' : xattrsDigest(entry.xattrs);
  const mode = entry.type === 'symlink' ? '' : formatMode(entry.mode);
  const mtime = formatTime(entry.sec, entry.nsec);
  return `${entry.path}\0${entry.type}\0${mode}\0${entry.uid}\0${entry.gid}\0${mtime}\0${entry.size}\0${entry.key}\0${entry.link}\0${entry.group}\0${device}\0${xattrs}\0`;
}
