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
  // The same few pages over and over: long texts would be put together in fresh memory, and copied to more of it.
  const room = Buffer.allocUnsafeSlow(ROOM);
  const modes = new Map<number, string>();
  let text = '';
  const flush = (): void => {
    if (text.length > room.length) hash.update(text, 'latin1');
    else hash.update(room.subarray(0, room.write(text, 'latin1')));
    text = '';
  };
  for (const entry of plan.entries) {
    text += canonical(entry, modes);
    if (text.length >= ROOM / 2) flush();
  }
  flush();
  return keyOfHex(hash.digest('hex'));
}

/** Bytes; more than any but the strangest entry takes. */
const ROOM = 2 ** 14;

/** @param modes the texts of those that have occurred: few do */
function canonical(entry: PlanEntry, modes: Map<number, string>): string {
  const device = entry.type === 'char' || entry.type === 'block' ? `${entry.devMajor}:${entry.devMinor}` : '';
  const xattrs = entry.xattrs.length === 0 ? '' : xattrsDigest(entry.xattrs);
  const mode = entry.type === 'symlink' ? '' : modeText(entry.mode, modes);
  const mtime = formatTime(entry.sec, entry.nsec);
  return `${entry.path}\0${entry.type}\0${mode}\0${entry.uid}\0${entry.gid}\0${mtime}\0${entry.size}\0${entry.key}\0${entry.link}\0${entry.group}\0${device}\0${xattrs}\0`;
}

function modeText(mode: number, modes: Map<number, string>): string {
  const known = modes.get(mode);
  if (known !== undefined) return known;
  const text = formatMode(mode);
  modes.set(mode, text);
  return text;
}
