/**
 * Extended attributes of an inode. An image holds those that a file of its type could be given: what the kernel would
 * refuse to set it must not find in an image either, where nothing checks it any more.
 */
import { type ByteString, toBuffer } from '../core/bytes.js';
import { MAX_XATTR_NAME } from '../core/limits.js';
import { isOverlayXattr, type NodeType, type Xattr } from '../core/metadata.js';
import { accessList, defaultList } from './access-list.js';
import { XATTR_ENTRY, XATTR_HEADER } from './format.js';
import type { ImageEntry } from './nodes.js';

const TRUSTED = 4;
/** A name's beginning is stored as a number. Names that begin otherwise cannot be stored. */
const PREFIXES: readonly (readonly [prefix: string, index: number])[] = [
  ['user.', 1],
  ['trusted.', TRUSTED],
  ['security.', 6],
];
const ACCESS_LIST = 'system.posix_acl_access';
const DEFAULT_LIST = 'system.posix_acl_default';
const [ACCESS_INDEX, DEFAULT_INDEX] = [2, 3];

/** Sizes are stored in sixteen bits: of a value in bytes, of all attributes of an inode in units of four. */
const LARGEST_VALUE = 0xffff;
const LARGEST_SUM = XATTR_HEADER + 4 * (0xffff - 1);

interface StoredXattr {
  index: number;
  /** The name without its prefix. */
  name: ByteString;
  value: Uint8Array;
}

export interface HeldXattrs {
  held: readonly StoredXattr[];
  /** Bytes that they take behind an inode, their header included. */
  bytes: number;
  /** Names of those that the image does not hold. */
  skipped: readonly ByteString[];
}

const NONE: HeldXattrs = { held: [], bytes: 0, skipped: [] };

type Holder = Pick<ImageEntry, 'xattrs' | 'type' | 'mode'>;

/** @param redirect the file in a layer that has the content, see {@link Content} */
export function heldXattrs({ xattrs, type, mode }: Holder, redirect: string | undefined): HeldXattrs {
  if (xattrs.length === 0 && redirect === undefined) return NONE;
  const held: StoredXattr[] = redirect === undefined ? [] : overlayXattrs(redirect);
  const skipped: ByteString[] = [];
  let bytes = held.reduce((sum, each) => sum + entryBytes(each), XATTR_HEADER);
  // Of attributes with one name the last counts.
  for (const xattr of new Map(xattrs.map((each) => [each.name, each])).values()) {
    const stored = storedXattr(xattr, type, mode);
    // An access control list that says no more than the mode is no attribute at all.
    if (stored?.value.length === 0 && stored.index === ACCESS_INDEX) continue;
    const size = stored === undefined ? 0 : entryBytes(stored);
    if (stored === undefined || bytes + size > LARGEST_SUM) skipped.push(xattr.name);
    else {
      held.push(stored);
      bytes += size;
    }
  }
  return { held, bytes: held.length === 0 ? 0 : bytes, skipped };
}

function storedXattr({ name, value }: Xattr, type: NodeType, mode: number): StoredXattr | undefined {
  if (isOverlayXattr(name) || name.length > MAX_XATTR_NAME || value.length > LARGEST_VALUE) return undefined;
  if (name === ACCESS_LIST || name === DEFAULT_LIST) return storedList(name, value, type, mode);
  if (name.startsWith('user.') && type !== 'file' && type !== 'dir') return undefined;
  if (name === 'security.capability' && !isCapability(value)) return undefined;
  const [prefix, index] = PREFIXES.find(([each]) => name.startsWith(each)) ?? [];
  if (prefix === undefined || index === undefined || name.length === prefix.length) return undefined;
  return { index, name: name.slice(prefix.length), value };
}

function storedList(name: string, value: Uint8Array, type: NodeType, mode: number): StoredXattr | undefined {
  const isDefault = name === DEFAULT_LIST;
  if (type === 'symlink' || (isDefault && type !== 'dir')) return undefined;
  const list = isDefault ? defaultList(value) : accessList(value, mode);
  return list === undefined ? undefined : { index: isDefault ? DEFAULT_INDEX : ACCESS_INDEX, name: '', value: list };
}

/** Tell an overlay that a file's content is another file's, in one of its directories for contents. */
function overlayXattrs(path: string): StoredXattr[] {
  return [METACOPY, { index: TRUSTED, name: 'overlay.redirect', value: toBuffer(path) }];
}

const METACOPY: StoredXattr = { index: TRUSTED, name: 'overlay.metacopy', value: Buffer.alloc(0) };

/** Revision → bytes of a file's capabilities, of those that the kernel takes. */
const CAPABILITY_BYTES = new Map([
  [2, 20],
  [3, 24],
]);

function isCapability(value: Uint8Array): boolean {
  return value.length >= 4 && CAPABILITY_BYTES.get(value[3] as number) === value.length;
}

function entryBytes({ name, value }: StoredXattr): number {
  return Math.ceil((XATTR_ENTRY + name.length + value.length) / 4) * 4;
}

/** Writes what follows an inode that has attributes. The bytes must be zero. */
export function putXattrs(bytes: Buffer, at: number, held: readonly StoredXattr[]): void {
  let next = at + XATTR_HEADER;
  for (const each of held) {
    const { index, name, value } = each;
    bytes.writeUInt8(name.length, next);
    bytes.writeUInt8(index, next + 1);
    bytes.writeUInt16LE(value.length, next + 2);
    bytes.set(toBuffer(name), next + XATTR_ENTRY);
    bytes.set(value, next + XATTR_ENTRY + name.length);
    next += entryBytes(each);
  }
}
