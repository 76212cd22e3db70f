/**
 * Finds processes that see other mounts than this one, as those in containers do, and use what lies in a directory. To
 * unmount it here, or to delete it, would not be refused for their sake.
 */
import * as fs from 'node:fs';
import { type Mount, mountAround, mounts, mountsBelow } from './mounts.js';

/**
 * A process that has mounted what lies in a directory, in a mount namespace of its own; undefined if there is none. Of
 * other users' processes only root knows.
 */
export function userElsewhere(dir: string): number | undefined {
  const own = mounts();
  const at = fs.realpathSync(dir);
  const holder = mountAround(dir);
  if (holder === undefined) return undefined;
  const inside = `${holder.root}/${at.slice(holder.point.length)}`.replace(/\/+/g, '/');
  const points = new Set(mountsBelow(dir));
  const below = new Map(own.filter(({ point }) => points.has(point)).map((mount) => [mount.device, mount.point]));
  const isUse = ({ device, root, point }: Mount): boolean =>
    // A namespace that is a copy of ours has the same mounts at the same points, and need not use them.
    (below.has(device) && below.get(device) !== point) ||
    (device === holder.device && `${root}/`.startsWith(`${inside}/`) && point !== `${at}${root.slice(inside.length)}`);
  const seen = new Set([namespaceOf('self')]);
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const namespace = namespaceOf(pid);
    if (namespace === undefined || seen.has(namespace)) continue;
    seen.add(namespace);
    if (mounts(`/proc/${pid}/mountinfo`).some(isUse)) return Number(pid);
  }
  return undefined;
}

/** Undefined for a process that has ended, or is another user's. */
function namespaceOf(pid: string): string | undefined {
  try {
    return fs.readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}
