/** Folds extended headers (pax records, GNU long names) into the entries that they precede. */
import { type ByteString, toText } from '../../core/bytes.js';
import { CairnError } from '../../core/errors.js';
import { MAX_DEVICE, MAX_ID } from '../../core/limits.js';
import type { Time } from '../../core/metadata.js';
import type { TarEntry, TarEntryType } from './entry.js';
import type { RawHeader } from './header.js';
import { type PaxRecords, readPax, sortedXattrs } from './pax.js';
import { type GnuMap, type MapReader, sparseOf } from './sparse.js';

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
  V: 'label',
  D: 'dumpdir',
};

/** The largest size that eleven octal digits can spell. Larger sizes take pax or base-256. */
const LARGEST_OCTAL_SIZE = 8 ** 11 - 1;

/** Whether a header with this type flag extends the entries after it. */
export function isExtended(flag: string): boolean {
  return flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K';
}

export class ExtendedHeaders {
  /** For the next entry alone. */
  #records: PaxRecords = {};
  /** For all entries that follow. */
  readonly #globals: PaxRecords = {};
  #longName: string | undefined;
  #longLink: string | undefined;

  /**
   * Keeps what an extended header says.
   * @throws CairnError `ERR_BAD_ARCHIVE`
   */
  add(flag: string, body: Buffer): void {
    if (flag === 'L') this.#longName = longText(body);
    else if (flag === 'K') this.#longLink = longText(body);
    else if (flag === 'x') readPax(body, this.#records, false);
    else readPax(body, this.#globals, true);
  }

  /** The name of the entry that has this header. */
  nameOf(raw: RawHeader): ByteString {
    return this.#records.sparse?.name ?? this.#records.path ?? this.#longName ?? raw.name;
  }

  /**
   * Folds a header and the extended ones before it into one entry.
   * @param name as {@link nameOf} gives it
   * @param gnuMap of a header of type `S`
   * @returns for a sparse file also its map, which may have to be read on
   * @throws CairnError `ERR_BAD_ARCHIVE`
   */
  fold(raw: RawHeader, name: ByteString, gnuMap: GnuMap | undefined): { entry: TarEntry; map: MapReader | undefined } {
    const records = this.#records;
    let type = TYPES[raw.flag];
    if (type === undefined) throw bad(name, `unknown entry type ${JSON.stringify(raw.flag)}`);
    // Before ustar, a directory was a file whose name ends in a slash.
    if (raw.flag === '0' && name.endsWith('/')) type = 'dir';
    // On a directory the size is a hint (POSIX.1-2017, ustar). No content follows it.
    const stored = type === 'dir' && raw.flag === '5' ? 0 : (records.size ?? raw.size);
    if (records.size !== undefined && records.size !== raw.size && records.size <= LARGEST_OCTAL_SIZE) {
      throw bad(name, `the pax header says ${records.size} bytes, the entry's own header ${raw.size}`);
    }
    if (stored !== 0 && type !== 'file' && type !== 'dumpdir')
      throw bad(name, `a ${type} with ${stored} bytes of content`);
    const sparse = records.sparse === undefined ? undefined : sparseOf(records.sparse);
    if (sparse !== undefined && (type !== 'file' || gnuMap !== undefined)) throw bad(name, 'it is sparse in two ways');
    const uid = records.uid ?? this.#globals.uid ?? raw.uid;
    const gid = records.gid ?? this.#globals.gid ?? raw.gid;
    if (uid > MAX_ID || gid > MAX_ID) throw bad(name, 'an owner beyond 32 bits');
    if (raw.devMajor > MAX_DEVICE || raw.devMinor > MAX_DEVICE) throw bad(name, 'a device number beyond 32 bits');
    const mtime: Time = records.mtime ?? this.#globals.mtime ?? { sec: raw.mtime, nsec: 0 };
    const linked = type === 'symlink' || type === 'hardlink';
    const link = linked ? (records.link ?? this.#longLink ?? raw.link) : '';
    this.#records = {};
    this.#longName = undefined;
    this.#longLink = undefined;
    const entry: TarEntry = {
      name,
      type,
      mode: raw.mode % 0o10000,
      uid,
      gid,
      mtime,
      size: gnuMap?.size ?? sparse?.size ?? stored,
      stored,
      link,
      devMajor: raw.devMajor,
      devMinor: raw.devMinor,
      xattrs: sortedXattrs(records.xattrs),
    };
    return { entry, map: gnuMap ?? sparse?.map };
  }
}

/** A GNU long name: text with a NUL at its end, which some writers leave out. */
function longText(body: Buffer): string {
  const end = body.length > 0 && body[body.length - 1] === 0 ? body.length - 1 : body.length;
  const name = body.toString('latin1', 0, end);
  if (name.includes('\0')) throw bad(name.split('\0')[0] as string, 'a NUL byte inside a long name');
  return name;
}

function bad(name: ByteString, why: string): CairnError {
  return new CairnError('ERR_BAD_ARCHIVE', why, { entry: toText(name) });
}
