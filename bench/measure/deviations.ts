/** Compares two trees, and tells differences that a program is known for from those that are not. Pure. */
import { toText } from '../../engine/core/bytes.js';
import { printable } from '../../engine/core/printable.js';
import type { Listed, Listing } from './listing.js';

type Field = keyof Listed | 'missing' | 'extra';

interface Difference {
  path: string;
  field: Field;
  /** The entry of the expected tree; that of the other tree where it has one too many. */
  entry: Listed;
  found: Listed | undefined;
}

/** The known deviations, each with the differences that it explains. */
const KNOWN = {
  'metadata of the root': ({ path, field }) => path === '' && ['mode', 'uid', 'gid', 'mtime'].includes(field),
  'times of directories': ({ field, entry }) => field === 'mtime' && entry.type === 'directory',
  'times of symlinks': ({ field, entry }) => field === 'mtime' && entry.type === 'symlink',
  'all times': ({ field }) => field === 'mtime',
  'fractions of seconds': ({ field, entry, found }) =>
    field === 'mtime' && found !== undefined && seconds(entry.mtime) === seconds(found.mtime),
  'setuid, setgid and sticky bits': ({ field, entry, found }) =>
    field === 'mode' && found !== undefined && (entry.mode & 0o777) === (found.mode & 0o777),
  'equal symlinks share an inode': ({ field, entry }) => field === 'group' && entry.type === 'symlink',
} satisfies Record<string, (difference: Difference) => boolean>;

/**
 * Two files of cairn's share an inode where their content and metadata are equal. No other program does that, so a
 * difference in inodes alone does not count. Content and metadata are compared as always.
 */
const isSharing = ({ field, entry }: Difference): boolean => field === 'group' && entry.type === 'file';

export type Deviation = keyof typeof KNOWN;

export interface Comparison {
  /** The known deviations that were found. */
  deviations: Deviation[];
  /** Lines that tell the first few of the other differences, then how many more there are. Empty for equal trees. */
  differences: string[];
}

const SHOWN = 5;

export function compareTrees(expected: Listing, found: Listing, known: readonly Deviation[] = []): Comparison {
  const seen = new Set<Deviation>();
  const lines: string[] = [];
  for (const difference of differencesOf(expected, found)) {
    if (isSharing(difference)) continue;
    const deviation = known.find((name) => KNOWN[name](difference));
    if (deviation === undefined) lines.push(tell(difference));
    else seen.add(deviation);
  }
  const more = lines.length - SHOWN;
  return {
    deviations: [...seen],
    differences: more > 0 ? [...lines.slice(0, SHOWN), `and ${more} more`] : lines,
  };
}

const FIELDS = ['type', 'mode', 'uid', 'gid', 'size', 'mtime', 'content', 'group'] as const;

function* differencesOf(expected: Listing, found: Listing): Generator<Difference> {
  for (const [path, entry] of expected) {
    const other = found.get(path);
    if (other === undefined) yield { path, field: 'missing', entry, found: undefined };
    else if (other.type !== entry.type) yield { path, field: 'type', entry, found: other };
    else for (const field of FIELDS) if (entry[field] !== other[field]) yield { path, field, entry, found: other };
  }
  for (const [path, entry] of found) if (!expected.has(path)) yield { path, field: 'extra', entry, found: undefined };
}

function tell({ path, field, entry, found }: Difference): string {
  const name = printable(toText(path)) || '(root)';
  if (found === undefined || field === 'missing' || field === 'extra') return `${name}: ${field}`;
  return `${name}: ${field} ${show(field, entry)} became ${show(field, found)}`;
}

function show(field: keyof Listed, entry: Listed): string {
  return field === 'mode' ? entry.mode.toString(8) : printable(toText(String(entry[field])));
}

function seconds(time: bigint): bigint {
  return time / 1_000_000_000n;
}
