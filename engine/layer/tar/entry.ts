/** One entry of a tar archive, the same for all dialects. */
import type { ByteString } from '../../core/bytes.js';
import type { EntryType, Time, Xattr } from '../../core/metadata.js';
import type { SparsePart } from './sparse.js';

/** GNU tar adds a volume's label, and a directory of an incremental backup, which has names of files as its content. */
export type TarEntryType = EntryType | 'label' | 'dumpdir';

export interface TarEntry {
  /** The name as the archive spells it, not cleaned. */
  name: ByteString;
  type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  mtime: Time;
  /** Bytes of content, holes included; 0 for all but files and `dumpdir`. */
  size: number;
  /** Bytes of content that the archive holds: fewer than `size` for a sparse file. */
  stored: number;
  /** Of a sparse file, the parts that the archive holds, in order. */
  sparse?: readonly SparsePart[];
  /** Target of a symbolic or hard link, as the archive spells it; else `''`. */
  link: ByteString;
  devMajor: number;
  devMinor: number;
  xattrs: readonly Xattr[];
}
