/** Finds the ids that an app runs as, in its tree. No link in the tree leads out of it. */
import { fromText, toText } from '../../core/bytes.js';
import { CairnError, type ErrorCode } from '../../core/errors.js';
import { MAX_USER_FILE } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import type { RootDirectory } from '../../disk/root-directory.js';
import type { FieldAt } from '../../image/runtime/app-field.js';
import type { RuntimeUser } from '../../image/runtime/config.js';
import { type Group, idOf, readGroups, readPasswd, type User, type UserFile } from '../../image/runtime/users.js';
import type { AppToRun } from './app-to-run.js';

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

function idFrom(text: string, kind: 'user' | 'group', files: UserFiles, at: FieldAt): number {
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
  #users: UserFile<User> | undefined;
  #groups: UserFile<Group> | undefined;

  constructor(tree: RootDirectory, at: FieldAt) {
    this.#tree = tree;
    this.#at = at;
  }

  user(name: string): User {
    this.#users ??= readPasswd(this.#text('/etc/passwd', 'user') ?? '');
    return this.#users.byName.get(name) ?? this.#missing(name, 'user', this.#users);
  }

  group(name: string): Group {
    this.#groups ??= readGroups(this.#text('/etc/group', 'group') ?? '');
    return this.#groups.byName.get(name) ?? this.#missing(name, 'group', this.#groups);
  }

  /** The group of a user by number; 0 for a user that no file has. */
  groupOf(uid: number): number {
    if (uid === 0) return 0;
    this.#users ??= readPasswd(this.#text('/etc/passwd', 'user') ?? '');
    return [...this.#users.byName.values()].find((each) => each.uid === uid)?.gid ?? 0;
  }

  groupsWith(name: string): number[] {
    this.#groups ??= readGroups(this.#text('/etc/group', 'group') ?? '');
    const own = [...this.#groups.byName.values()].filter(({ members }) => members.includes(name));
    return [...new Set(own.map(({ gid }) => gid))];
  }

  ownerOf(path: string, kind: 'user' | 'group'): number {
    const { stat, lacks } = this.#tree.find(fromText(path), { followLast: false });
    if (stat !== undefined) return kind === 'user' ? stat.uid : stat.gid;
    const why = lacks === 'loop' ? 'too many levels of symbolic links' : 'no such file or directory';
    throw this.#fault(kind, `failed to configure ${kind} ${quoted(path)}: ${why}`, 'ERR_NOT_FOUND');
  }

  #missing(name: string, kind: 'user' | 'group', { faults }: UserFile<unknown>): never {
    const fault = faults.get(name);
    const why = fault === undefined ? '' : ` (/etc/${kind === 'user' ? 'passwd' : 'group'}, ${fault})`;
    throw this.#fault(kind, `${quoted(name)} ${kind} not found${why}`, 'ERR_NOT_FOUND');
  }

  #text(path: string, kind: 'user' | 'group'): string | undefined {
    const { path: real, stat, lacks } = this.#tree.find(path);
    if (lacks === 'loop') throw this.#fault(kind, `${path} leads into a loop of symlinks`, 'ERR_BAD_ARCHIVE');
    if (stat === undefined) return undefined;
    if (!stat.isFile()) throw this.#fault(kind, `${path} is no regular file`, 'ERR_BAD_ARCHIVE');
    if (stat.size > MAX_USER_FILE) {
      throw this.#fault(kind, `${path} has ${stat.size} bytes, more than ${MAX_USER_FILE}`, 'ERR_LIMIT');
    }
    return toText(this.#tree.read(real, MAX_USER_FILE)?.toString('latin1') ?? '');
  }

  #fault(kind: 'user' | 'group', rule: string, code: ErrorCode): CairnError {
    return this.#at(`app.${kind}`).fault(rule, code);
  }
}
