/** Cuts a part out of a plan: what lies at and below one path. */
import type { ByteString } from '../core/bytes.js';
import { joinPath } from '../core/path.js';
import { isBelow } from './look-up.js';
import { type Plan, type PlanEntry, plainEntry } from './plan.js';

/**
 * A plan with one entry at its root, with all below it.
 * @param name of the entry there; `''` for a directory that is to be the root itself
 */
export function subPlan(plan: Plan, top: PlanEntry, name: ByteString): Plan {
  const own = plan.entries.filter(({ path }) => isBelow(path, top.path));
  const moved = (path: ByteString): ByteString => joinPath(name, path.slice(top.path.length).replace(/^\//, ''));
  const groups = new Map<ByteString, PlanEntry[]>();
  for (const entry of own) if (entry.group !== '') groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  const groupOf = ({ group }: PlanEntry): ByteString => {
    const [first, second] = groups.get(group) ?? [];
    // A file whose other names all lie elsewhere has only one left.
    return first === undefined || second === undefined ? '' : clean(moved(first.path));
  };
  const entries = own.map((entry) => ({ ...entry, path: clean(moved(entry.path)), group: groupOf(entry) }));
  const firsts = entries.filter(({ type, path, group }) => type === 'file' && (group === '' || group === path));
  return {
    entries: name === '' ? entries : [plainEntry('', 'dir', 0o700, -1), ...entries],
    files: entries.filter(({ type }) => type === 'file').length,
    bytes: firsts.reduce((sum, { size }) => sum + size, 0),
  };
}

function clean(path: ByteString): ByteString {
  return path.replace(/\/$/, '');
}
