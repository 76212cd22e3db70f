/** Reads what `/etc/passwd` and `/etc/group` of an image say. Lines that break the format are left out, and told of. */
import { MAX_ID } from '../../core/limits.js';

export interface UserFile<T> {
  /** Of several lines of one name the first counts, as for the C library. */
  byName: ReadonlyMap<string, T>;
  /** Why lines were left out, by the name that they begin with. */
  faults: ReadonlyMap<string, string>;
}

export interface User {
  name: string;
  uid: number;
  gid: number;
}

export interface Group {
  name: string;
  gid: number;
  members: readonly string[];
}

/** `name:password:uid:gid:comment:home:shell` */
export function readPasswd(text: string): UserFile<User> {
  return readLines(text, 7, ([name = '', , uid, gid]) => {
    const ids = [idOf(uid), idOf(gid)] as const;
    if (ids[0] === undefined) return 'unable to parse uid';
    if (ids[1] === undefined) return 'unable to parse gid';
    return { name, uid: ids[0], gid: ids[1] };
  });
}

/** `name:password:gid:member,member` */
export function readGroups(text: string): UserFile<Group> {
  return readLines(text, 4, ([name = '', , digits, members = '']) => {
    const gid = idOf(digits);
    return gid === undefined ? 'unable to parse gid' : { name, gid, members: members.split(',').filter(Boolean) };
  });
}

/** An id in decimal digits; undefined for anything else, and for numbers that are no ids. */
export function idOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\+?\d+$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

/** @param read makes a record of a line's fields, or says what is wrong with them */
function readLines<T extends { name: string }>(
  text: string,
  fields: number,
  read: (parts: string[]) => T | string,
): UserFile<T> {
  const byName = new Map<string, T>();
  const faults = new Map<string, string>();
  text.split('\n').forEach((line, i) => {
    if (line === '') return;
    const parts = line.split(':');
    const few = `expected at least ${fields} fields, got ${parts.length}`;
    const found = parts.length < fields ? few : read(parts);
    const name = parts[0] as string;
    if (typeof found === 'string') faults.set(name, `line ${i + 1}: ${found}`);
    else if (!byName.has(name)) byName.set(name, found);
  });
  return { byName, faults };
}
