/**
 * Objects as files: `objects/ab/<rest of the name>`, linked into trees. A file system allows one file only so many
 * names. When an object reaches that number a further copy takes over: `<name>+1`, `<name>+2` and so on.
 */

import * as fs from 'node:fs';
import { fromText } from '../core/bytes.js';
import { CairnError, hasCode } from '../core/errors.js';
import type { SkippedKind } from '../core/metadata.js';
import type { FileContent, ObjectAddress, ObjectFile, ObjectsAt } from '../core/object.js';
import { copyBytes, copyFile, linkOrCopy } from '../disk/copy-file.js';
import { diskBytesAt } from '../disk/disk-bytes.js';
import { moveIntoPlace, syncFile } from '../disk/durable.js';
import { type ExpectedBytes, fileBytes } from '../disk/file-bytes.js';
import { statOrFault } from '../disk/path-fault.js';
import type { Quarantine } from '../disk/quarantine.js';
import { intoShard, SHARD_DIGITS, shardedFiles, shardedPath } from '../disk/shards.js';
import { fileStat } from '../disk/stat.js';
import type {
  DeletedObject,
  FileIdentity,
  KnownMetadata,
  ListedFile,
  Materialised,
  Materialising,
  ObjectHome,
  ObjectLook,
  ObjectMove,
  ObjectStaging,
  StagingLayout,
  VerifiedFile,
  VerifyLook,
} from './home.js';
import { resetLoose } from './loose-metadata.js';
import { lacksOfLoose, verifyLoose } from './loose-verify.js';
import { fileNameOf, isLooseName, looseName, parseFileName } from './name.js';
import { flatStaging, shardedStaging, stagedIn } from './staging.js';
import { unlockFile } from './unlock-file.js';

export class LooseObjects implements ObjectHome {
  readonly at: ObjectsAt;
  readonly keepsLinks = false;
  readonly blockBits = 12;
  readonly #dir: string;
  #device: number | undefined;

  constructor(dir: string) {
    this.#dir = dir;
    this.at = { kind: 'loose', dir };
  }

  get device(): number | undefined {
    this.#device ??= fileStat(fromText(this.#dir))?.device;
    return this.#device;
  }

  /** The path of a file of an object. */
  path(name: string, copy = 0): string {
    return shardedPath(this.#dir, fileNameOf({ name, copy }));
  }

  nameOf(file: FileContent): string {
    return looseName(file);
  }

  isName(text: string): boolean {
    return isLooseName(text);
  }

  has(name: string): boolean {
    return fs.existsSync(this.path(name));
  }

  look({ name, copy }: ObjectFile): ObjectLook | string {
    return statOrFault(this.path(name, copy));
  }

  diskBytesOf({ name, copy }: ObjectFile): number | undefined {
    return diskBytesAt(this.path(name, copy));
  }

  open(name: string, expected: Omit<ExpectedBytes, 'what'>): Generator<Buffer> {
    return fileBytes(this.path(name), { ...expected, what: 'an object' });
  }

  materialise(file: FileContent, path: string | Buffer, how: Materialising, scratch: string): Materialised {
    const name = looseName(file);
    const object = this.path(name);
    try {
      if (how === 'link') fs.linkSync(object, path);
      else copyContent(object, path, how);
      return { copy: 0, isFinished: how === 'link' };
    } catch (error) {
      if (how === 'link' && hasCode(error, 'EMLINK')) {
        return { copy: this.#linkToCopy(name, path, scratch), isFinished: true };
      }
      if (!hasCode(error, 'ENOENT') || fs.existsSync(object)) throw error;
      const why = 'an object is missing; "cairn fsck --repair" tells which images need it';
      throw new CairnError('ERR_DAMAGED', why, { path: object });
    }
  }

  /**
   * Links to the first copy with room. Every worker tries the numbered copies in the same order. If several make the
   * next copy, a link that overwrites nothing decides whose copy stays.
   */
  #linkToCopy(name: string, path: string | Buffer, scratch: string): number {
    for (let n = 1; ; n++) {
      const copy = this.path(name, n);
      if (!fs.existsSync(copy)) this.#makeCopy(name, copy, scratch);
      try {
        fs.linkSync(copy, path);
        return n;
      } catch (error) {
        if (!hasCode(error, 'EMLINK')) throw error;
      }
    }
  }

  #makeCopy(name: string, copy: string, scratch: string): void {
    const temporary = `${scratch}.${process.pid}-${Math.random().toString(36).slice(2)}`;
    copyFile(this.path(name), temporary);
    try {
      // Files outside staging must be complete, and the copy leaves staging at once.
      syncFile(temporary);
      fs.linkSync(temporary, copy);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    } finally {
      fs.unlinkSync(temporary);
    }
  }

  keep(): void {}

  *links(): Generator<string> {}

  *unusedLinks(): Generator<string> {}

  isNameOf(file: FileContent, { ino, device }: FileIdentity): boolean {
    const name = looseName(file);
    for (let n = 0; ; n++) {
      const own = fileStat(fromText(this.path(name, n)));
      if (own === undefined) return false;
      if (own.ino === ino && own.device === device) return true;
    }
  }

  addressOf(file: FileContent): ObjectAddress {
    return { layer: this.#dir, path: shardedPath('', this.nameOf(file)) };
  }

  layers(): string[] {
    return [this.#dir];
  }

  canLinkTo(dir: string): boolean {
    return fs.statSync(dir).dev === fs.statSync(this.#dir).dev;
  }

  *list(): Generator<ListedFile> {
    for (const { name, path } of shardedFiles(this.#dir)) {
      const file = parseFileName(name);
      yield { path, object: this.isName(file.name) ? file : undefined };
    }
  }

  verify({ name, copy }: ObjectFile, look: VerifyLook): VerifiedFile {
    return verifyLoose(this.path(name, copy), name, this.device, look);
  }

  lacks(name: string, xattrs: readonly string[]): SkippedKind[] | undefined {
    return lacksOfLoose(this.path(name), name, xattrs);
  }

  unlock({ name, copy }: ObjectFile): boolean {
    return unlockFile(this.path(name, copy));
  }

  resetMetadata({ name, copy }: ObjectFile, known: KnownMetadata): SkippedKind[] | undefined {
    return resetLoose(this.path(name, copy), name, known);
  }

  async delete(objects: Iterable<DeletedObject>, remove: (paths: string[]) => Promise<void>): Promise<void> {
    await remove([...objects].flatMap(({ name, copies }) => [...this.#files(name, copies)]));
  }

  deleteOne(name: string): void {
    for (const path of this.#files(name, 0)) fs.rmSync(path, { force: true });
  }

  /** @param known number of copies that may be there; copies after those are looked for */
  *#files(name: string, known: number): Generator<string> {
    yield this.path(name);
    for (let n = 1; n <= known || fs.existsSync(this.path(name, n)); n++) yield this.path(name, n);
  }

  quarantine({ name, copy }: ObjectFile, quarantine: Quarantine): boolean {
    return quarantine.take(this.path(name, copy));
  }

  closeRanks(name: string, sound: readonly number[]): void {
    sound.forEach((copy, n) => {
      if (copy !== n) moveIntoPlace(this.path(name, copy), this.path(name, n));
    });
  }

  stagingIn(dir: string, layout: StagingLayout): ObjectStaging {
    return layout === 'flat' ? flatStaging(dir) : shardedStaging(dir);
  }

  *movesFrom(staged: string): Generator<ObjectMove> {
    for (const name of stagedIn(staged)) {
      const isShard = name.length === SHARD_DIGITS;
      const to = isShard ? `${this.#dir}/${name}` : this.path(name);
      yield { prefix: name.slice(0, SHARD_DIGITS), from: `${staged}/${name}`, to };
    }
  }

  adopt(name: string, from: ObjectHome): { isLinked: boolean; lacks: SkippedKind[] } {
    const path = this.path(name);
    return intoShard(path, () => linkOrCopy((from as LooseObjects).path(name), path));
  }

  close(): void {}

  directories(): string[] {
    return [this.#dir];
  }
}

function copyContent(object: string, path: string | Buffer, how: 'reflink' | 'copy'): void {
  try {
    if (how === 'copy') copyBytes(object, path);
    else fs.copyFileSync(object, path, fs.constants.COPYFILE_FICLONE_FORCE | fs.constants.COPYFILE_EXCL);
  } catch (error) {
    if (how !== 'reflink' || !hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'ENOSYS')) throw error;
    throw new CairnError('ERR_UNSUPPORTED', 'this file system has no reflinks; use --mode copy', { cause: error });
  }
}
