/** One entry of a tar archive, the same for all dialects. */
import type { ByteString } from '../../core/bytes.js';
import type { EntryType, Time, Xattr } from '../../core/metadata.js';

export interface TarEntry {
  /** The name as the archive spells it, not cleaned. */
  name: ByteString;
  type: EntryType;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  mtime: Time;
  /** Bytes of content that follow; 0 for all but files. */
  size: number;
  /** Target of a symbolic or hard link, as the archive spells it; else `''`. */
  link: ByteString;
  devMajor: number;
  devMinor: number;
  xattrs: readonly Xattr[];
}
