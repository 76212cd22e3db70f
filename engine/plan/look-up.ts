/** Finds paths in a plan, as a process in its tree would. */
import { type ByteString, toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import { MAX_SYMLINK_HOPS } from '../core/limits.js';
import { joinPath } from '../core/path.js';
import type { Plan, PlanEntry } from './plan.js';

/** Whether a path is the other one, or lies below it. */
export function isBelow(path: ByteString, top: ByteString): boolean {
  return top === '' || path === top || path.startsWith(`${top}/`);
}

/**
 * The entry that a path leads to, through symlinks, but never out of the root.
 * @throws CairnError `ERR_NOT_FOUND` for a loop
 */
export function lookUp(plan: Plan, path: ByteString, followLast = true): PlanEntry | undefined {
  const byPath = new Map(plan.entries.map((entry) => [entry.path, entry]));
  const rest = path.split('/').reverse();
  let at: ByteString = '';
  let hops = 0;
  while (rest.length > 0) {
    const part = rest.pop() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '';
      continue;
    }
    const next = joinPath(at, part);
    const entry = byPath.get(next);
    if (entry === undefined) return undefined;
    if (entry.type !== 'symlink' || (!followLast && rest.every((each) => each === ''))) {
      at = next;
      continue;
    }
    if (++hops > MAX_SYMLINK_HOPS)
      throw new CairnError('ERR_NOT_FOUND', `too many symlinks in ${toText(path)}`, { entry: toText(path) });
    if (entry.link.startsWith('/')) at = '';
    rest.push(...entry.link.split('/').reverse());
  }
  return byPath.get(at);
}
