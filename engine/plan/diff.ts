/** The difference between two plans as an OCI layer: put on top of one tree, it makes the other. */
import { type ByteString, toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { baseOf, joinPath, parentOf } from '../core/path.js';
import { WHITEOUT_PREFIX } from '../layer/oci-rules.js';
import { type Plan, type PlanEntry, plainEntry } from './plan.js';

type Entries = Pick<Plan, 'entries'>;

/**
 * Entries in byte order of their paths, whiteouts among them as empty files. Names that share an inode come together,
 * so that no link leads into a lower layer: not every program takes such links.
 * @throws CairnError `ERR_UNSUPPORTED` for a tree with names that would be taken for whiteouts
 */
export function layerBetween(before: Entries, after: Entries): PlanEntry[] {
  const layer = changedEntries(before, after);
  for (const { path } of layer) refuseMarker(path);
  layer.push(...removedPaths(before, after).map(whiteout));
  return layer.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Entries that are new or other than before, and all names of an inode if one of them is. */
export function changedEntries(before: Entries, after: Entries): PlanEntry[] {
  const old = new Map(before.entries.map((entry) => [entry.path, entry]));
  const changedGroups = new Set<ByteString>();
  const isChanged = (entry: PlanEntry): boolean => !sameEntry(old.get(entry.path), entry);
  for (const entry of after.entries) if (entry.group !== '' && isChanged(entry)) changedGroups.add(entry.group);
  return after.entries.filter((entry) => changedGroups.has(entry.group) || isChanged(entry));
}

/** Paths that are gone from directories that are still there. */
export function removedPaths(before: Entries, after: Entries): ByteString[] {
  const now = new Map(after.entries.map((entry) => [entry.path, entry]));
  // An entry that went with its directory needs no marker of its own.
  return before.entries
    .filter(({ path }) => !now.has(path) && now.get(parentOf(path))?.type === 'dir')
    .map(({ path }) => path);
}

/** All of a plan as the lowest layer. @throws as {@link layerBetween} does */
export function baseLayer(plan: Entries): readonly PlanEntry[] {
  for (const { path } of plan.entries) refuseMarker(path);
  return plan.entries;
}

function refuseMarker(path: ByteString): void {
  if (!baseOf(path).startsWith(WHITEOUT_PREFIX)) return;
  throw new CairnError('ERR_UNSUPPORTED', `${toText(path)}: an OCI layer has no way to hold a file of this name`, {
    entry: toText(path),
  });
}

function sameEntry(a: PlanEntry | undefined, b: PlanEntry): boolean {
  return (
    a !== undefined &&
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.sec === b.sec &&
    a.nsec === b.nsec &&
    a.size === b.size &&
    a.key === b.key &&
    a.link === b.link &&
    a.group === b.group &&
    a.devMajor === b.devMajor &&
    a.devMinor === b.devMinor &&
    a.xattrs.length === b.xattrs.length &&
    a.xattrs.every(({ name, value }, i) => b.xattrs[i]?.name === name && b.xattrs[i]?.value.equals(value) === true)
  );
}

function whiteout(path: ByteString): PlanEntry {
  return plainEntry(joinPath(parentOf(path), `${WHITEOUT_PREFIX}${baseOf(path)}`), 'file', 0o644, 0);
}
