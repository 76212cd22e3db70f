/**
 * Objects in packs: content only, side by side in few files. The index says where each lies, through an `AddressBook`.
 * Contents with holes are files of their own, `objects/ab/<rest of the name>`, since a hole in a pack means that
 * nothing is there.
 */
import * as fs from 'node:fs';
import { asDamage } from '../core/damage.js';
import { CairnError, hasCode } from '../core/errors.js';
import { SECTOR } from '../core/extent.js';
import type { SkippedKind } from '../core/metadata.js';
import type {
  AddressBook,
  FileContent,
  ObjectAddress,
  ObjectFile,
  ObjectsAt,
  PackAddress,
  StoredObject,
} from '../core/object.js';
import { copyBytes, linkOrCopy } from '../disk/copy-file.js';
import { diskBytesAt } from '../disk/disk-bytes.js';
import { type ExpectedBytes, fileBytes, WHO_NEEDS_IT } from '../disk/file-bytes.js';
import { copyRange } from '../disk/file-ranges.js';
import { namesIn } from '../disk/list-directory.js';
import { faultOf, statOrFault } from '../disk/path-fault.js';
import type { Quarantine } from '../disk/quarantine.js';
import { intoShard, SHARD_DIGITS, shardedFiles, shardedPath } from '../disk/shards.js';
import type {
  DeletedObject,
  FileIdentity,
  ListedFile,
  Materialised,
  Materialising,
  ObjectHome,
  ObjectLook,
  ObjectMove,
  ObjectStaging,
  VerifiedFile,
  VerifyLook,
} from './home.js';
import { isLooseName } from './name.js';
import { idOfPackFile } from './pack/format.js';
import { LinkCache } from './pack/link-cache.js';
import { movingPart } from './pack/moving-part.js';
import { hashInName, isPackedName, packedName } from './pack/name.js';
import { type PackFiles, packFilesIn } from './pack/pack-files.js';
import { isContentThere, type PackedPart, packedBytes } from './pack/read-object.js';
import { flatStaging, stagedIn } from './staging.js';
import { unlockFile } from './unlock-file.js';

type PacksAt = ObjectsAt & Required<Pick<ObjectsAt, 'packs'>>;

export class PackedObjects implements ObjectHome {
  readonly at: PacksAt;
  /** No file of a tree is a name of an object. */
  readonly device = undefined;
  readonly keepsLinks = true;
  readonly blockBits = Math.log2(SECTOR);
  readonly #book: AddressBook;
  readonly #packs: PackFiles;
  readonly #cache: LinkCache;

  constructor(at: PacksAt, book: AddressBook) {
    this.at = at;
    this.#book = book;
    this.#cache = new LinkCache(at.dir);
    this.#packs = packFilesIn(at.packs.dir);
  }

  nameOf({ key }: FileContent): string {
    return packedName(key);
  }

  isName(text: string): boolean {
    return isPackedName(text);
  }

  has(name: string): boolean {
    return this.#book.find(name)?.isGone === false;
  }

  look({ name }: ObjectFile): ObjectLook | string {
    const entry = this.#book.find(name);
    if (entry === undefined) return 'missing';
    if (entry.at === undefined) return statOrFault(this.#file(name));
    try {
      const fd = this.#packs.descriptor(entry.at.pack);
      const part = this.#part(entry.at);
      if (!isContentThere(part, { size: entry.size, sha512: hashInName(name) })) return 'missing';
      const { ino, dev } = fs.fstatSync(fd, { bigint: true });
      return { size: BigInt(entry.size), ino, dev };
    } catch (error) {
      return faultOf(error);
    }
  }

  diskBytesOf({ name }: ObjectFile): number | undefined {
    const entry = this.#book.find(name);
    return entry === undefined || entry.at !== undefined ? undefined : diskBytesAt(this.#file(name));
  }

  *open(name: string, expected: Omit<ExpectedBytes, 'what'>): Generator<Buffer> {
    const entry = this.#found(name);
    if (entry.at === undefined) yield* fileBytes(this.#file(name), { ...expected, what: 'an object' });
    else yield* packedBytes(this.#partToRead(name, entry.at), expected);
  }

  materialise(file: FileContent, path: string | Buffer, how: Materialising): Materialised {
    if (how === 'link' && this.#cache.link(file, path)) return { copy: 0, isFinished: true };
    const name = packedName(file.key);
    const { at, size } = this.#found(name);
    if (at === undefined) copyBytes(this.#file(name), path);
    else this.#copyOut(this.#part(at), size, path);
    return { copy: 0, isFinished: false };
  }

  /** The kernel shares blocks between pack and copy where the file system can, and both begin at a block. */
  #copyOut({ descriptor, path: pack, offset }: PackedPart, size: number, path: string | Buffer): void {
    const copy = fs.openSync(path, 'wx', 0o600);
    try {
      if (copyRange(descriptor(), { offset, length: size }, copy) === size) return;
      throw new CairnError('ERR_DAMAGED', `a pack ends before an object in it does; ${WHO_NEEDS_IT}`, { path: pack });
    } finally {
      fs.closeSync(copy);
    }
  }

  keep(file: FileContent, path: string | Buffer, anew: boolean): void {
    this.#cache.keep(file, path, anew);
  }

  links(): Generator<string> {
    return this.#cache.all();
  }

  unusedLinks(): Generator<string> {
    return this.#cache.unused();
  }

  isNameOf(_file: FileContent, _identity: FileIdentity): boolean {
    return false;
  }

  addressOf({ key }: FileContent, known?: PackAddress): ObjectAddress {
    const at = known ?? this.#found(packedName(key)).at;
    if (at === undefined) return { layer: this.at.dir, path: shardedPath('', packedName(key)) };
    return { device: this.#packs.path(at.pack), offset: at.offset };
  }

  layers(): string[] {
    return [this.at.dir];
  }

  canLinkTo(dir: string): boolean {
    return fs.statSync(dir).dev === fs.statSync(this.at.dir).dev;
  }

  *list(): Generator<ListedFile> {
    for (const { name, path } of shardedFiles(this.at.dir)) {
      if (!isLooseName(name)) yield { path, object: isPackedName(name) ? { name, copy: 0 } : undefined };
    }
    for (const name of namesIn(this.at.packs.dir)) {
      if (idOfPackFile(name) === undefined) yield { path: `${this.at.packs.dir}/${name}`, object: undefined };
    }
  }

  verify({ name }: ObjectFile, look: VerifyLook): VerifiedFile {
    const faults = this.#faults(name, look);
    return { faults, onlyMetadata: false, inode: 0n };
  }

  #faults(name: string, { size, quick, at: known, hash }: VerifyLook): string[] {
    const entry = known === undefined ? this.#book.find(name) : { at: known };
    if (entry === undefined) return ['missing'];
    const { at } = entry;
    try {
      const { fd, offset, close } = this.#opened(name, at);
      try {
        // What reads as it should is there: it need not be asked whether the pack has a hole.
        if (!quick && hash(fd, size, at) === hashInName(name)) return [];
        const part = { descriptor: () => fd, path: this.at.packs.dir, offset };
        if (at !== undefined && !isContentThere(part, { size, sha512: hashInName(name) })) return ['missing'];
        return quick ? [] : ['content does not have the hash it is named by'];
      } finally {
        close();
      }
    } catch (error) {
      return [faultOf(error)];
    }
  }

  lacks(name: string): SkippedKind[] | undefined {
    return isPackedName(name) ? [] : undefined;
  }

  unlock({ name }: ObjectFile): boolean {
    const entry = this.#book.find(name);
    if (entry === undefined) return false;
    return entry.at === undefined ? unlockFile(this.#file(name)) : unlockFile(this.#packs.path(entry.at.pack), 0o600);
  }

  resetMetadata({ name }: ObjectFile): SkippedKind[] | undefined {
    return this.lacks(name);
  }

  /** What lies in packs is given back by their collector, which knows what lies beside it. */
  async delete(objects: Iterable<DeletedObject>, remove: (paths: string[]) => Promise<void>): Promise<void> {
    await remove([...objects].filter(({ at }) => at === undefined).map(({ name }) => this.#file(name)));
  }

  deleteOne(name: string): void {
    fs.rmSync(this.#file(name), { force: true });
  }

  /** Of what lies in a pack quarantine gets a copy. The caller forgets the place. */
  quarantine({ name }: ObjectFile, quarantine: Quarantine): boolean {
    const entry = this.#book.find(name);
    if (entry?.at === undefined) return quarantine.take(this.#file(name));
    if (typeof this.look({ name, copy: 0 }) === 'string') return false;
    const part = this.#part(entry.at);
    quarantine.keep(this.#file(name), (to) => this.#copyReadable(part, entry.size, to));
    return true;
  }

  /** As much as can be read, and as there is room for. */
  #copyReadable(part: PackedPart, size: number, path: string): void {
    try {
      this.#copyOut(part, size, path);
    } catch (error) {
      if (!hasCode(error, 'EIO', 'ENOSPC')) throw error;
    }
  }

  closeRanks(): void {}

  stagingIn(dir: string): ObjectStaging {
    return flatStaging(dir);
  }

  *movesFrom(staged: string): Generator<ObjectMove> {
    for (const name of stagedIn(staged)) {
      yield { prefix: name.slice(0, SHARD_DIGITS), from: `${staged}/${name}`, to: this.#file(name) };
    }
  }

  /** Of an object that is a file of its own. Packs are taken over whole. */
  adopt(name: string, from: ObjectHome): { isLinked: boolean; lacks: SkippedKind[] } {
    const path = this.#file(name);
    return intoShard(path, () => linkOrCopy((from as PackedObjects).#file(name), path));
  }

  close(): void {
    this.#packs.close();
  }

  directories(): string[] {
    // There are no packs before the first import.
    return [this.at.dir, this.at.packs.dir].filter((dir) => fs.existsSync(dir));
  }

  /** The path of an object that is a file of its own. */
  #file(name: string): string {
    return shardedPath(this.at.dir, name);
  }

  #found(name: string): StoredObject {
    const entry = this.#book.find(name);
    if (entry !== undefined) return entry;
    throw new CairnError('ERR_DAMAGED', `an object is missing; ${WHO_NEEDS_IT}`, {
      path: this.at.packs.dir,
      entry: name,
    });
  }

  #part({ pack, offset }: PackAddress): PackedPart {
    const path = this.#packs.path(pack);
    const descriptor = (): number => {
      try {
        return this.#packs.descriptor(pack);
      } catch (cause) {
        throw asDamage(cause, 'a pack', path, WHO_NEEDS_IT);
      }
    };
    return { descriptor, path, offset };
  }

  /** On a thread without an index, an operation keeps objects from moving. */
  #partToRead(name: string, at: PackAddress): PackedPart {
    if (this.#book.refresh === undefined) return this.#part(at);
    return movingPart(this.#book, name, at, (each) => this.#part(each));
  }

  #opened(name: string, at: PackAddress | undefined): { fd: number; offset: number; close: () => void } {
    if (at !== undefined) return { fd: this.#packs.descriptor(at.pack), offset: at.offset, close: () => {} };
    const fd = fs.openSync(this.#file(name), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    return { fd, offset: 0, close: () => fs.closeSync(fd) };
  }
}
