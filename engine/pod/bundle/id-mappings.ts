/** The ids that users who are not root can have in an app: their own, as root there, and those that they were given. */
import { userInfo } from 'node:os';
import { isCairnError } from '../../core/errors.js';
import { MAX_CONFIG_FILE, MAX_ID } from '../../core/limits.js';
import { readSmallFile } from '../../disk/small-file.js';
import type { FieldAt } from '../../image/runtime/app-field.js';
import type { IdMapping, RuntimeUser } from '../../image/runtime/config.js';
import { type IdMappings, isIn } from '../../image/runtime/write-config.js';

/** @returns undefined for root, whose apps need no mappings */
export function ownMappings(): IdMappings | undefined {
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0) return undefined;
  const gid = process.getegid?.() ?? 0;
  return {
    uids: [{ containerID: 0, hostID: uid, size: 1 }, ...givenIds('/etc/subuid', uid)],
    gids: [{ containerID: 0, hostID: gid, size: 1 }, ...givenIds('/etc/subgid', uid)],
  };
}

/**
 * The mappings in a user namespace of the user's own that has them already: who mounts an overlay without being root
 * does so in such a namespace, and runs the bundle there.
 */
export function mappingsInside({ uids, gids }: IdMappings): IdMappings {
  const inside = (all: IdMapping[]): IdMapping[] => all.map((each) => ({ ...each, hostID: each.containerID }));
  return { uids: inside(uids), gids: inside(gids) };
}

/** Ranges of ids that the system's administrator gave to a user (subuid(5)), one after the other from 1. */
function givenIds(file: string, uid: number): IdMapping[] {
  const owners = new Set([String(uid), nameOf()]);
  let containerID = 1;
  return textOf(file).flatMap((line) => {
    const [owner = '', first = '', count = ''] = line.split(':');
    const [hostID, size] = [Number(first), Number(count)];
    if (owner === '' || !owners.has(owner) || !/^\d+$/.test(first) || !/^\d+$/.test(count)) return [];
    if (size === 0 || hostID + size - 1 > MAX_ID || containerID + size - 1 > MAX_ID) return [];
    const mapping = { containerID, hostID, size };
    containerID += size;
    return [mapping];
  });
}

function textOf(file: string): string[] {
  try {
    return readSmallFile(file, MAX_CONFIG_FILE)?.toString('utf8').split('\n') ?? [];
  } catch (error) {
    if (isCairnError(error)) return [];
    throw error;
  }
}

function nameOf(): string {
  try {
    return userInfo().username;
  } catch {
    // The system has no name for this user.
    return '';
  }
}

/** @throws CairnError `ERR_UNSUPPORTED` for an id that this user cannot have in an app */
export function mustBeMapped(user: RuntimeUser, mappings: IdMappings, at: FieldAt): void {
  const check = (
    id: number,
    all: readonly IdMapping[],
    [field, kind, file]: readonly [string, string, string],
  ): void => {
    if (all.some((each) => isIn(each, id))) return;
    const why = `needs ${kind} ${id}, which is not among the ids that this user has here: ${file} must give more`;
    throw at(field).fault(why, 'ERR_UNSUPPORTED');
  };
  check(user.uid, mappings.uids, ['app.user', 'uid', '/etc/subuid']);
  check(user.gid, mappings.gids, ['app.group', 'gid', '/etc/subgid']);
  for (const gid of user.additionalGids ?? []) {
    check(gid, mappings.gids, ['app.supplementaryGIDs', 'gid', '/etc/subgid']);
  }
}
