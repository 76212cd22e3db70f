/** Finds the ids that an app runs as, in its tree. No link in the tree leads out of it. */
import { fromText } from '../../core/bytes.js';
import { CairnError, type ErrorCode } from '../../core/errors.js';
import { MAX_USER_FILE } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import type { RootDirectory } from '../../disk/root-directory.js';
import type { FieldAt } from '../../image/runtime/app-field.js';
import type { RuntimeUser } from '../../image/runtime/config.js';
import {
  findGroup,
  findUser,
  type Group,
  groupsWith,
  idOf,
  type Lookup,
  type User,
  userNumbered,
} from '../../image/runtime/users.js';
import type { AppToRun } from './app-to-run.js';

type Kind = 'user' | 'group';

const FILES: Readonly<Record<Kind, string>> = { user: '/etc/passwd', group: '/etc/group' };

/** @throws CairnError `ERR_NOT_FOUND`, and `ERR_BAD_ARCHIVE` or `ERR_LIMIT` for files of users that are a trap */
export function userOf(tree: RootDirectory, run: AppToRun, at: FieldAt): RuntimeUser {
  const files = new UserFiles(tree, at);
  if (run.oci !== undefined) return new OciUser(files, run.oci.config.user, at).find();
  return appcUser(files, run, at);
}

/** As rkt: `root`, then numbers, then owners of paths, then names. */
function appcUser(files: UserFiles, { app, imageApp, isFromDocker }: AppToRun, at: FieldAt): RuntimeUser {
  const uid = idFrom(app.user, 'user', files, at);
  // Docker takes the user's number for the group of images that name none. Their manifests repeat the user.
  const isUnnamed =
    isFromDocker && imageApp !== undefined && imageApp.user === imageApp.group && app.group === imageApp.group;
  let gid: number;
  try {
    gid = idFrom(app.group, 'group', files, at);
  } catch (error) {
    if (!isUnnamed || !(error instanceof CairnError) || error.code !== 'ERR_NOT_FOUND') throw error;
    gid = uid;
  }
  const additionalGids = [...new Set(app.supplementaryGIDs)];
  return { uid, gid, ...(additionalGids.length === 0 ? {} : { additionalGids }) };
}

function idFrom(text: string, kind: Kind, files: UserFiles, at: FieldAt): number {
  const field = at(`app.${kind}`);
  if (text === 'root') return 0;
  if (/^[+-]?\d+$/.test(text)) {
    const id = idOf(text);
    if (id === undefined) throw field.fault(`invalid ${kind === 'user' ? 'uid' : 'gid'}: ${quoted(text)}`);
    return id;
  }
  if (text.startsWith('/')) return files.ownerOf(text, kind);
  return kind === 'user' ? files.user(text).uid : files.group(text).gid;
}

/** `user[:group]` of an OCI image, each by name or by number. */
class OciUser {
  readonly #files: UserFiles;
  readonly #text: string;
  readonly #at: FieldAt;

  constructor(files: UserFiles, text: string, at: FieldAt) {
    this.#files = files;
    this.#text = text;
    this.#at = at;
  }

  find(): RuntimeUser {
    const [user = '', group = '', ...more] = this.#text.split(':');
    if (more.length > 0) throw this.#at('app.user').fault(`must be user or user:group: ${quoted(this.#text)}`);
    if (user === '' || isNumber(user)) {
      const uid = user === '' ? 0 : this.#number(user);
      return { uid, gid: group === '' ? this.#files.groupOf(uid) : this.#group(group) };
    }
    const { uid, gid } = this.#files.user(user);
    if (group !== '') return { uid, gid: this.#group(group) };
    const additionalGids = this.#files.groupsWith(user).filter((each) => each !== gid);
    return { uid, gid, ...(additionalGids.length === 0 ? {} : { additionalGids }) };
  }

  #group(group: string): number {
    return isNumber(group) ? this.#number(group) : this.#files.group(group).gid;
  }

  #number(text: string): number {
    const id = idOf(text);
    if (id === undefined) throw this.#at('app.user').fault(`no such id: ${quoted(text)}`);
    return id;
  }
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

/** `/etc/passwd` and `/etc/group` of a tree, read when they are first needed. */
class UserFiles {
  readonly #tree: RootDirectory;
  readonly #at: FieldAt;
  readonly #texts = new Map<Kind, string>();

  constructor(tree: RootDirectory, at: FieldAt) {
    this.#tree = tree;
    this.#at = at;
  }

  user(name: string): User {
    return this.#found('user', name, findUser(this.#text('user'), name));
  }

  group(name: string): Group {
    return this.#found('group', name, findGroup(this.#text('group'), name));
  }

  /** The group of a user by number; 0 for a user that no file has. */
  groupOf(uid: number): number {
    return uid === 0 ? 0 : (userNumbered(this.#text('user'), uid)?.gid ?? 0);
  }

  groupsWith(name: string): number[] {
    return [...new Set(groupsWith(this.#text('group'), name).map(({ gid }) => gid))];
  }

  ownerOf(path: string, kind: Kind): number {
    const { stat, lacks } = this.#tree.find(fromText(path), { followLast: false });
    if (stat !== undefined) return kind === 'user' ? stat.uid : stat.gid;
    const why = lacks === 'loop' ? 'too many levels of symbolic links' : 'no such file or directory';
    throw this.#fault(kind, `failed to configure ${kind} ${quoted(path)}: ${why}`, 'ERR_NOT_FOUND');
  }

  #found<T>(kind: Kind, name: string, lookup: Lookup<T>): T {
    if (lookup.found !== undefined) return lookup.found;
    const why = lookup.fault === undefined ? '' : ` (${FILES[kind]}, ${lookup.fault})`;
    throw this.#fault(kind, `${quoted(name)} ${kind} not found${why}`, 'ERR_NOT_FOUND');
  }

  #text(kind: Kind): string {
    const known = this.#texts.get(kind) ?? this.#read(kind);
    this.#texts.set(kind, known);
    return known;
  }

  /** @returns an empty text if there is no such file */
  #read(kind: Kind): string {
    const file = FILES[kind];
    const { path, stat, lacks } = this.#tree.find(file);
    if (lacks === 'loop') throw this.#fault(kind, `${file} leads into a loop of symlinks`, 'ERR_BAD_ARCHIVE');
    if (stat === undefined) return '';
    if (!stat.isFile()) throw this.#fault(kind, `${file} is no regular file`, 'ERR_BAD_ARCHIVE');
    if (stat.size > MAX_USER_FILE) {
      throw this.#fault(kind, `${file} has ${stat.size} bytes, more than ${MAX_USER_FILE}`, 'ERR_LIMIT');
    }
    return this.#tree.read(path, MAX_USER_FILE)?.toString('utf8') ?? '';
  }

  #fault(kind: Kind, rule: string, code: ErrorCode): CairnError {
    return this.#at(`app.${kind}`).fault(rule, code);
  }
}
