/** Finds paths in a plan, as a process in its tree would. */
import { type ByteString, toText } from '../core/bytes.js';
import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import { MAX_SYMLINK_HOPS } from '../core/limits.js';
import { joinPath, parentOf } from '../core/path.js';
import type { Plan, PlanEntry } from './plan.js';

/** Whether a path is the other one, or lies below it. */
export function isBelow(path: ByteString, top: ByteString): boolean {
  return top === '' || path === top || path.startsWith(`${top}/`);
}

/** What a path leads to. */
export interface LookedUp {
  entry: PlanEntry | undefined;
  /** The symlink whose target is not there. */
  dangling?: PlanEntry;
}

/** A symlink that was followed, and how many parts of the path come after its target. */
interface Followed {
  entry: PlanEntry;
  after: number;
}

const known = new WeakMap<Plan, ReadonlyMap<ByteString, PlanEntry>>();

/** Made once for each plan: several paths of one are looked up. */
function entriesByPath(plan: Plan): ReadonlyMap<ByteString, PlanEntry> {
  let byPath = known.get(plan);
  if (byPath === undefined) {
    byPath = new Map(plan.entries.map((entry) => [entry.path, entry]));
    known.set(plan, byPath);
  }
  return byPath;
}

const knownChildren = new WeakMap<Plan, ReadonlyMap<ByteString, readonly PlanEntry[]>>();

/** What is directly in a directory, in byte order of names. */
export function childrenOf(plan: Plan, dir: ByteString): readonly PlanEntry[] {
  let children = knownChildren.get(plan);
  if (children === undefined) {
    children = childrenIn(plan);
    knownChildren.set(plan, children);
  }
  return children.get(dir) ?? [];
}

function childrenIn({ entries }: Plan): Map<ByteString, PlanEntry[]> {
  const children = new Map<ByteString, PlanEntry[]>();
  for (const entry of entries) {
    if (entry.path === '') continue;
    const dir = parentOf(entry.path);
    const known = children.get(dir);
    if (known === undefined) children.set(dir, [entry]);
    else known.push(entry);
  }
  return children;
}

/**
 * The entry that a path leads to, through symlinks, but never out of the root.
 * @throws CairnError `ERR_NOT_FOUND` for a loop
 */
export function lookUp(plan: Plan, path: ByteString, followLast = true): LookedUp {
  const byPath = entriesByPath(plan);
  const rest = path.split('/').reverse();
  const followed: Followed[] = [];
  let at: ByteString = '';
  while (rest.length > 0) {
    const part = rest.pop() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '';
      continue;
    }
    const next = joinPath(at, part);
    const entry = byPath.get(next);
    if (entry === undefined) {
      const last = followed.findLast(({ after }) => rest.length >= after);
      return { entry, ...defined({ dangling: last?.entry }) };
    }
    if (entry.type !== 'symlink' || (!followLast && rest.every((each) => each === ''))) {
      at = next;
      continue;
    }
    if (followed.length === MAX_SYMLINK_HOPS)
      throw new CairnError('ERR_NOT_FOUND', `too many symlinks in ${toText(path)}`, { entry: toText(path) });
    followed.push({ entry, after: rest.length });
    if (entry.link.startsWith('/')) at = '';
    rest.push(...entry.link.split('/').reverse());
  }
  return { entry: byPath.get(at) };
}
