/**
 * Finds users and groups in what `/etc/passwd` and `/etc/group` of an image say. Of several lines of one name the first
 * counts, as for the C library. Lines that break the format are passed over.
 */
import { MAX_ID } from '../../core/limits.js';

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

/** A record; or why there is none, where the line with that name breaks the format. */
export type Lookup<T> = { found: T; fault?: never } | { found?: never; fault?: string };

/** `name:password:uid:gid:comment:home:shell` */
export function findUser(passwd: string, name: string): Lookup<User> {
  return findNamed(linesOf(passwd), name, readUser);
}

/** `name:password:gid:member,member` */
export function findGroup(group: string, name: string): Lookup<Group> {
  return findNamed(linesOf(group), name, readGroup);
}

export function userNumbered(passwd: string, uid: number): User | undefined {
  for (const line of linesOf(passwd)) {
    const user = readUser(line.split(':'));
    if (typeof user !== 'string' && user.uid === uid) return user;
  }
  return undefined;
}

export function groupsWith(group: string, member: string): Group[] {
  const found: Group[] = [];
  for (const line of linesOf(group)) {
    const each = readGroup(line.split(':'));
    if (typeof each !== 'string' && each.members.includes(member)) found.push(each);
  }
  return found;
}

/** An id in decimal digits; undefined for anything else, and for numbers that are no ids. */
export function idOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\+?\d+$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

/** Millions of lines fit into a file that is not too long: they are not held all at once. */
function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    yield end < 0 ? text.slice(at) : text.slice(at, end);
    at = end < 0 ? text.length : end + 1;
  }
}

/** @param read makes a record of a line's fields, or says what is wrong with them */
function findNamed<T>(lines: Iterable<string>, name: string, read: (parts: string[]) => T | string): Lookup<T> {
  let number = 0;
  let fault: string | undefined;
  for (const line of lines) {
    number++;
    if (!line.startsWith(name)) continue;
    const parts = line.split(':');
    if (parts[0] !== name || line === '') continue;
    const found = read(parts);
    if (typeof found !== 'string') return { found };
    fault ??= `line ${number}: ${found}`;
  }
  return fault === undefined ? {} : { fault };
}

function readUser(parts: string[]): User | string {
  if (parts.length < USER_FIELDS) return tooFew(USER_FIELDS, parts);
  const [name = '', , uidText, gidText] = parts;
  const [uid, gid] = [idOf(uidText), idOf(gidText)];
  if (uid === undefined) return 'unable to parse uid';
  return gid === undefined ? 'unable to parse gid' : { name, uid, gid };
}

function readGroup(parts: string[]): Group | string {
  if (parts.length < GROUP_FIELDS) return tooFew(GROUP_FIELDS, parts);
  const [name = '', , digits, members = ''] = parts;
  const gid = idOf(digits);
  return gid === undefined ? 'unable to parse gid' : { name, gid, members: members.split(',').filter(Boolean) };
}

const USER_FIELDS = 7;
const GROUP_FIELDS = 4;

function tooFew(fields: number, { length }: string[]): string {
  return `expected at least ${fields} fields, got ${length}`;
}
