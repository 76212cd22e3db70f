/**
 * What the rest of the engine asks of the objects' home, wherever that keeps them. Objects go by their names, which only a home
 * composes or reads.
 */
import type { SkippedKind } from '../core/metadata.js';
import type { FileContent, ObjectFile, ObjectsAt } from '../core/object.js';
import type { Quarantine } from '../disk/quarantine.js';

/** How a file of a tree gets its content. */
export type Materialising = 'link' | 'reflink' | 'copy';

export interface ObjectHome {
  /** For other threads, which have a home of their own at the same place. */
  readonly at: ObjectsAt;
  /** The file system that links are made on, as {@link FileIdentity} has it; `undefined` where there are none. */
  readonly device: number | undefined;

  /**
   * The name of a file's object: the content's sha512 in hex, a dot, and what tells objects of one content apart.
   * The index relies on this form to store names in half their length; nobody else looks into a name.
   */
  nameOf(file: FileContent): string;
  /** Whether a text can be the name of an object here. */
  isName(text: string): boolean;
  /** Whether an object is there, be it whole or not. */
  has(name: string): boolean;
  /** @returns size and identity of a file of an object, or what is wrong where it should lie */
  look(file: ObjectFile): ObjectLook | string;

  /**
   * The bytes of an object, in chunks.
   * @throws CairnError `ERR_DAMAGED` when it is missing, of another size or, if a hash is given, of another content
   */
  open(name: string, expected: { size: number; sha512?: string }): Generator<Buffer>;

  /**
   * Makes a new file with the content of an object: by `link` a further name of the object, finished; else a copy of its bytes alone.
   * @param path where nothing must be
   * @returns the copy of the object that got the name; 0 for all but links to a further one
   * @throws CairnError `ERR_DAMAGED` when the object is missing, `ERR_UNSUPPORTED` for reflinks that cannot be had
   */
  materialise(file: FileContent, path: string | Buffer, how: Materialising, scratch: string): number;
  /** Whether a file that was materialised by `link` is still the object. */
  isNameOf(file: FileContent, identity: FileIdentity): boolean;
  /** Whether `link` can make files in a directory. */
  canLinkTo(dir: string): boolean;

  /** All that lies here, also what is no object. */
  list(): Generator<ListedFile>;
  /** How an object differs from what its name says. */
  verify(file: ObjectFile, look: VerifyLook): VerifiedFile;
  /** What of its metadata a file of an object does not have; `undefined` for what is no object. Hashes nothing. */
  lacks(name: string, xattrs: readonly string[]): SkippedKind[] | undefined;

  /** Deletes objects with all their copies. @param remove deletes files, as fast as it can */
  delete(objects: Iterable<DeletedObject>, remove: (paths: string[]) => Promise<void>): Promise<void>;
  /** Deletes one object with all its copies now. */
  deleteOne(name: string): void;
  /** Moves a file of an object to quarantine. @returns whether there was any */
  quarantine(file: ObjectFile, quarantine: Quarantine): boolean;
  /** Lets sound copies of an object take the places from the first on. @param sound numbers of copies, rising; they are all there is */
  closeRanks(name: string, sound: readonly number[]): void;

  /** Where new objects wait until their import commits. */
  stagingIn(dir: string, layout: StagingLayout): ObjectStaging;
  /** What brings staged objects here: renames that do not depend on one another, with the first hex digits of what they move. */
  movesFrom(staged: string): Generator<ObjectMove>;
  /** Gives an object of another home of this kind a place here. @returns whether by link, and what of its metadata a copy lacks */
  adopt(name: string, from: ObjectHome): { isLinked: boolean; lacks: SkippedKind[] };
  /** Directories that only this home uses, for whoever must be able to enter them. */
  directories(): string[];
}

export interface FileIdentity {
  ino: bigint;
  device: number;
}

export interface ObjectLook {
  size: bigint;
  ino: bigint;
  dev: bigint;
}

export interface ListedFile {
  path: string;
  /** `undefined` for what is no object. */
  object: ObjectFile | undefined;
}

export interface DeletedObject {
  name: string;
  /** Further copies that are known; there may be more. */
  copies: number;
}

export interface VerifyLook {
  size: number;
  /** Metadata only. */
  quick: boolean;
  /** Metadata that could not be set when the object was made. */
  skipped: readonly SkippedKind[];
  /** sha512 in hex of what is left to read. */
  hash: (fd: number, size: number) => string;
}

export interface VerifiedFile {
  faults: string[];
  /** 0 for what is missing, or cannot be the file of a tree by link. */
  inode: bigint;
}

/** `flat`: side by side, for few; `sharded`: as they will lie here, so that a whole directory can move at once. */
export type StagingLayout = 'flat' | 'sharded';

export interface ObjectStaging {
  /** Where a new object is written; its directory is there. */
  pathFor(name: string): string;
}

export interface ObjectMove {
  prefix: string;
  from: string;
  to: string;
}
