/**
 * Shifts the owners in a row of a plan, as for a user namespace, also owners that extended attributes name. An
 * attribute that would mean something else on the host than in the image must not get there as it is.
 */
import type { Xattr } from '../../engine/core/metadata.js';
import type { ShardRow } from '../../engine/plan/shard.js';

const CAPABILITY = 'security.capability';
/**
 * `struct vfs_ns_cap_data` (linux/capability.h): magic and flags, two sets of two words, and from revision 3 on the
 * root of a namespace.
 */
const REVISION_2 = 0x0200_0000;
const REVISION_3 = 0x0300_0000;
const REVISION_MASK = 0xff00_0000;
const SIZE_2 = 20;
const SIZE_3 = 24;

const ACLS: ReadonlySet<string> = new Set(['system.posix_acl_access', 'system.posix_acl_default']);
/** `struct posix_acl_xattr_entry` (linux/posix_acl_xattr.h): after a version, rows of tag, permissions and id. */
const ACL_HEADER = 4;
const ACL_ROW = 8;
const ACL_TAGS_WITH_ID: ReadonlySet<number> = new Set([0x02, 0x08]);

/** @param by added to every uid and gid */
export function shifted(row: ShardRow, by: number): ShardRow {
  if (by === 0) return row;
  const xattrs = row.xattrs.map((xattr) => shiftedXattr(xattr, by)).filter((xattr) => xattr !== undefined);
  return { ...row, uid: row.uid + by, gid: row.gid + by, xattrs };
}

/** @returns `undefined` for an attribute that names owners in an unknown form */
function shiftedXattr({ name, value }: Xattr, by: number): Xattr | undefined {
  if (name === CAPABILITY) {
    const shiftedValue = shiftedCapability(value, by);
    return shiftedValue && { name, value: shiftedValue };
  }
  if (!ACLS.has(name)) return { name, value };
  const copy = Buffer.from(value);
  for (let at = ACL_HEADER; at + ACL_ROW <= copy.length; at += ACL_ROW) {
    if (ACL_TAGS_WITH_ID.has(copy.readUInt16LE(at))) copy.writeUInt32LE((copy.readUInt32LE(at + 4) + by) >>> 0, at + 4);
  }
  return { name, value: copy };
}

/** Gives the rights to the image's root, not the host's: revision 3 names the root of a namespace. */
function shiftedCapability(value: Buffer, by: number): Buffer | undefined {
  if (value.length < SIZE_2) return undefined;
  const magic = value.readUInt32LE(0);
  const revision = (magic & REVISION_MASK) >>> 0;
  const known =
    (revision === REVISION_2 && value.length === SIZE_2) || (revision === REVISION_3 && value.length === SIZE_3);
  if (!known) return undefined;
  const root = revision === REVISION_3 ? value.readUInt32LE(SIZE_2) : 0;
  const copy = Buffer.alloc(SIZE_3);
  value.copy(copy, 0, 0, SIZE_2);
  copy.writeUInt32LE((REVISION_3 | (magic & ~REVISION_MASK)) >>> 0, 0);
  copy.writeUInt32LE((root + by) >>> 0, SIZE_2);
  return copy;
}
