/** What inodes were when somebody looked, in columns. Two looks that see the same row saw the same file. */
import type { NodeType, Time } from '../../engine/core/metadata.js';

/** What a path's inodes were, row by row. */
export interface Seen {
  /** Rows of {@link SEEN_COLUMNS} numbers. */
  numbers: Float64Array;
  /** 0 for a path where nothing was. */
  inodes: BigUint64Array;
}

/** What a look at a path sees. */
export interface SeenStat extends Time {
  type: NodeType | 'socket';
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** The last change of the inode, which nobody can set. */
  changedSec: number;
  changedNsec: number;
  ino: bigint;
}

export const SEEN_COLUMNS = 9;

const TYPES: readonly SeenStat['type'][] = ['file', 'dir', 'symlink', 'char', 'block', 'fifo', 'socket'];

export function packSeen(stats: readonly (SeenStat | undefined)[]): Seen {
  const numbers = new Float64Array(stats.length * SEEN_COLUMNS);
  const inodes = new BigUint64Array(stats.length);
  stats.forEach((stat, i) => {
    if (stat === undefined) return;
    const { type, mode, uid, gid, size, sec, nsec, changedSec, changedNsec, ino } = stat;
    inodes[i] = ino;
    const at = i * SEEN_COLUMNS;
    numbers[at] = TYPES.indexOf(type);
    numbers[at + 1] = mode;
    numbers[at + 2] = uid;
    numbers[at + 3] = gid;
    numbers[at + 4] = size;
    numbers[at + 5] = sec;
    numbers[at + 6] = nsec;
    numbers[at + 7] = changedSec;
    numbers[at + 8] = changedNsec;
  });
  return { numbers, inodes };
}

/** One after the other. */
export function joinSeen(parts: readonly Seen[]): Seen {
  const count = parts.reduce((sum, { inodes }) => sum + inodes.length, 0);
  const numbers = new Float64Array(count * SEEN_COLUMNS);
  const inodes = new BigUint64Array(count);
  let at = 0;
  for (const part of parts) {
    numbers.set(part.numbers, at * SEEN_COLUMNS);
    inodes.set(part.inodes, at);
    at += part.inodes.length;
  }
  return { numbers, inodes };
}

/** A row; `undefined` where nothing was. */
export function seenAt({ numbers, inodes }: Seen, i: number): SeenStat | undefined {
  const ino = inodes[i] ?? 0n;
  if (ino === 0n) return undefined;
  const at = i * SEEN_COLUMNS;
  const column = (offset: number): number => numbers[at + offset] as number;
  return {
    type: TYPES[column(0)] ?? 'socket',
    mode: column(1),
    uid: column(2),
    gid: column(3),
    size: column(4),
    sec: column(5),
    nsec: column(6),
    changedSec: column(7),
    changedNsec: column(8),
    ino,
  };
}

/** Whether a look sees the same row again. A change of any kind changes the time of the inode's last change. */
export function isAsSeen({ numbers, inodes }: Seen, i: number, stat: SeenStat): boolean {
  const at = i * SEEN_COLUMNS;
  return (
    stat.ino === inodes[i] &&
    TYPES[numbers[at] as number] === stat.type &&
    numbers[at + 1] === stat.mode &&
    numbers[at + 2] === stat.uid &&
    numbers[at + 3] === stat.gid &&
    numbers[at + 4] === stat.size &&
    numbers[at + 5] === stat.sec &&
    numbers[at + 6] === stat.nsec &&
    numbers[at + 7] === stat.changedSec &&
    numbers[at + 8] === stat.changedNsec
  );
}

/** The time of the last change among rows, in nanoseconds. */
export function lastChange({ numbers, inodes }: Seen): bigint {
  let last = 0n;
  for (let i = 0; i < inodes.length; i++) {
    const at = i * SEEN_COLUMNS;
    const changed = BigInt(numbers[at + 7] as number) * 1_000_000_000n + BigInt(numbers[at + 8] as number);
    if (changed > last) last = changed;
  }
  return last;
}
