/**
 * Everything that the rest of the engine asks of the objects' home, wherever a home keeps objects. Objects go by their
 * names, which only a home composes or reads.
 */
import type { Identity, SkippedKind, Xattr } from '../core/metadata.js';
import type { FileContent, ObjectAddress, ObjectFile, ObjectsAt, PackAddress } from '../core/object.js';
import type { ExpectedBytes } from '../disk/file-bytes.js';
import type { Quarantine } from '../disk/quarantine.js';

/** How a file of a tree gets its content. */
export type Materialising = 'link' | 'reflink' | 'copy';

export interface ObjectHome {
  /** The home's place, from which other threads make a home of their own. */
  readonly at: ObjectsAt;
  /** The file system that links are made on, as in {@link FileIdentity}; `undefined` where no links are made. */
  readonly device: number | undefined;

  /** The name of a file's object. The name holds all that tells objects apart. */
  nameOf(file: FileContent): string;
  /** Whether a text can be the name of an object here. */
  isName(text: string): boolean;
  /** Whether an object is there, whole or not. */
  has(name: string): boolean;
  /** @returns size and identity of a file of an object, or what is wrong at its place */
  look(file: ObjectFile): ObjectLook | string;

  /** Bytes of the disk that a file of an object takes; `undefined` for one that is missing, or part of another file. */
  diskBytesOf(file: ObjectFile): number | undefined;

  /**
   * The bytes of an object, in chunks.
   * @throws CairnError `ERR_DAMAGED` when the object is missing, of another size or, if a hash is given, other content
   */
  open(name: string, expected: Omit<ExpectedBytes, 'what'>): Generator<Buffer>;

  /**
   * Makes a new file with the content of an object. With `link` the file may be a further name of a file that others
   * have, too, metadata included; otherwise it is a copy of the bytes alone.
   * @param path of the new file; nothing may be there
   * @throws CairnError `ERR_DAMAGED` when the object is missing, `ERR_UNSUPPORTED` where reflinks are not available
   */
  materialise(file: FileContent, path: string | Buffer, how: Materialising, scratch: string): Materialised;
  /** Whether `link` makes files that {@link keep} should hear of, once their tree is on disk. */
  readonly keepsLinks: boolean;
  /** Keeps a file of a tree, so that other trees can share it. @param anew in place of one that was kept before */
  keep(file: FileContent, path: string | Buffer, anew: boolean): void;
  /** All files kept for trees. They are in no list, and may go at any time. */
  links(): Generator<string>;
  /** Files kept for trees that no tree has a name of any more. */
  unusedLinks(): Generator<string>;
  /** Whether a file that was materialised by `link` is still the object. */
  isNameOf(file: FileContent, identity: FileIdentity): boolean;
  /**
   * Of the blocks of an image that trees are mounted from: addresses in devices are multiples of two to the power of
   * this. Every kernel that mounts such images, and every program that checks them, takes twelve.
   */
  readonly blockBits: number;
  /** Where a mounted tree finds the content of a file. @param known its place in a pack, if the caller knows that */
  addressOf(file: FileContent, known?: PackAddress): ObjectAddress;
  /** The directories that such addresses are in. */
  layers(): string[];
  /** Whether `link` can make files in a directory. */
  canLinkTo(dir: string): boolean;

  /** All files that lie here, even those that are no objects. */
  list(): Generator<ListedFile>;
  /** Finds how a file of an object differs from what the object's name says. */
  verify(file: ObjectFile, look: VerifyLook): VerifiedFile;
  /** The metadata that an object's first file does not have; `undefined` for what is no object. Hashes nothing. */
  lacks(name: string, xattrs: readonly string[]): SkippedKind[] | undefined;
  /** Lets the owner read a file of an object whose mode alone is in the way. @returns whether it had to */
  unlock(file: ObjectFile): boolean;
  /**
   * Gives a file of an object the metadata that the object's name says, as far as the system lets us. Its content
   * stays.
   * @returns the metadata that it still does not have; `undefined` when nobody can tell what it should have
   */
  resetMetadata(file: ObjectFile, known: KnownMetadata): SkippedKind[] | undefined;

  /** Deletes objects with all their copies. @param remove deletes files, in the caller's fastest way */
  delete(objects: Iterable<DeletedObject>, remove: (paths: string[]) => Promise<void>): Promise<void>;
  /** Deletes one object with all its copies now. */
  deleteOne(name: string): void;
  /**
   * Moves a file of an object to quarantine, or copies the object from its pack: then what knows the place is to forget
   * it. @returns whether there was anything
   */
  quarantine(file: ObjectFile, quarantine: Quarantine): boolean;
  /**
   * Lets the sound copies of an object take its places from the first on.
   * @param sound numbers of the copies, rising; no other copies are there
   */
  closeRanks(name: string, sound: readonly number[]): void;

  /** The place where new objects wait until their import commits. @param dir which need not be there */
  stagingIn(dir: string, layout: StagingLayout): ObjectStaging;
  /** Renames that bring staged objects here, in any order, each with the first hex digits of the names it moves. */
  movesFrom(staged: string): Generator<ObjectMove>;
  /**
   * Gives an object of another home of this kind a place here.
   * @returns whether by link, and the metadata that a copy lacks
   */
  adopt(name: string, from: ObjectHome): { isLinked: boolean; lacks: SkippedKind[] };
  /** Lets go of files that this thread keeps open to read objects from. Reading on opens them again. */
  close(): void;
  /** Directories that only this home uses, for callers that must be able to enter them. */
  directories(): string[];
}

export interface Materialised {
  /** The number of the copy that `link` gave the name to; 0 for the object's first file, and without a link. */
  copy: number;
  /** The file has its metadata. Otherwise the caller sets it. */
  isFinished: boolean;
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
  /** `undefined` for a file that is no object's. */
  object: ObjectFile | undefined;
}

export interface DeletedObject {
  name: string;
  /** Number of further copies that are known. There may be more. */
  copies: number;
  /** Where it lay in a pack. */
  at?: PackAddress | undefined;
}

export interface VerifyLook {
  size: number;
  /** Verifies metadata only. */
  quick: boolean;
  /** Metadata that could not be set when the object was made. */
  skipped: readonly SkippedKind[];
  /** Where the object begins in a pack, if the caller knows that. */
  at?: PackAddress | undefined;
  /** Gives the sha512, in hex, of `size` bytes of a file: those at a place in a pack, or else those left to read. */
  hash: (fd: number, size: number, at?: PackAddress) => string;
}

/** What a name does not say of an object's metadata. */
export interface KnownMetadata {
  /** The object's extended attributes; `undefined` when no layer tells them. */
  xattrs: readonly Xattr[] | undefined;
  /** Metadata that could not be set before. */
  skipped: readonly SkippedKind[];
  identity: Identity;
}

export interface VerifiedFile {
  faults: string[];
  /** All faults are of metadata. The content is right, unless it was not to be hashed. */
  onlyMetadata: boolean;
  /** 0 for a file that is missing, or that no file of a tree can be linked to. */
  inode: bigint;
}

/** `flat`: side by side, for few objects; `sharded`: as in the home, so that a whole directory can move at once. */
export type StagingLayout = 'flat' | 'sharded';

export interface ObjectStaging {
  /** The path that a new object is written to. The directory of the path exists. */
  pathFor(name: string): string;
}

export interface ObjectMove {
  prefix: string;
  from: string;
  to: string;
}
