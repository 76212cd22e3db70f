/** Folds extended headers (pax records, GNU long names) into the entries that they precede. */
import { type ByteString, toText } from '../../core/bytes.js';
import { CairnError } from '../../core/errors.js';
import { MAX_DEVICE, MAX_ID } from '../../core/limits.js';
import type { EntryType, Time } from '../../core/metadata.js';
import type { TarEntry } from './entry.js';
import type { RawHeader } from './header.js';
import { type PaxRecords, readPax, sortedXattrs } from './pax.js';

const TYPES: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
  '7': 'file',
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
    return this.#records.path ?? this.#longName ?? raw.name;
  }

  /**
   * Folds a header and the extended ones before it into one entry.
   * @param name as {@link nameOf} gives it
   * @throws CairnError `ERR_BAD_ARCHIVE`
   */
  fold(raw: RawHeader, name: ByteString): TarEntry {
    const records = this.#records;
    let type = TYPES[raw.flag];
    if (raw.flag === 'S') throw bad(name, 'sparse files are not supported');
    if (type === undefined) throw bad(name, `unknown entry type ${JSON.stringify(raw.flag)}`);
    // Before ustar, a directory was a file whose name ends in a slash.
    if (raw.flag === '0' && name.endsWith('/')) type = 'dir';
    const size = records.size ?? raw.size;
    if (records.size !== undefined && records.size !== raw.size && records.size <= LARGEST_OCTAL_SIZE) {
      throw bad(name, `the pax header says ${records.size} bytes, the entry's own header ${raw.size}`);
    }
    if (size !== 0 && type !== 'file') throw bad(name, `a ${type} with ${size} bytes of content`);
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
    return {
      name,
      type,
      mode: raw.mode % 0o10000,
      uid,
      gid,
      mtime,
      size,
      link,
      devMajor: raw.devMajor,
      devMinor: raw.devMinor,
      xattrs: sortedXattrs(records.xattrs),
    };
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
