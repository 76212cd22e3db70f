/** Gives a new path its metadata. */
import * as fs from 'node:fs';
import { type ByteString, toFsPath } from '../../engine/core/bytes.js';
import type { Identity, Metadata, SkippedKind } from '../../engine/core/metadata.js';
import {
  giveOwner,
  lostSetgid,
  needsChmod,
  needsOwner,
  setPathTimes,
  setXattrs,
  WITHOUT_RIGHTS,
} from '../../engine/disk/set-metadata.js';

export interface Finish {
  /** `undefined` for a symlink, whose mode means nothing. */
  mode: number | undefined;
  /** Set the mode even if a new file has it already. */
  forceMode: boolean;
  identity: Identity;
}

/** Sets owner, mode, extended attributes and time. @returns what could not be set */
export function finishPath(path: ByteString, row: Metadata, { mode, forceMode, identity }: Finish): SkippedKind[] {
  const skipped: SkippedKind[] = [];
  let wanted = mode;
  let chmod = forceMode || (mode !== undefined && needsChmod(mode, identity));
  if (needsOwner(row, identity)) {
    chmod = true;
    if (!giveOwner(row, identity, (uid, gid) => fs.lchownSync(toFsPath(path), uid, gid))) {
      skipped.push('owner');
      if (wanted !== undefined) wanted &= WITHOUT_RIGHTS;
    }
  }
  if (wanted !== undefined) {
    if (chmod) fs.chmodSync(toFsPath(path), wanted);
    if (wanted !== row.mode || lostSetgid(wanted, row.gid, identity, () => fs.lstatSync(toFsPath(path))))
      skipped.push('mode');
  }
  if (row.xattrs.length > 0) {
    skipped.push(...setXattrs(path, row.xattrs));
    // An access control list among the attributes has changed the mode.
    if (wanted !== undefined) fs.chmodSync(toFsPath(path), wanted);
  }
  skipped.push(...setPathTimes(path, row.sec, row.nsec));
  return skipped;
}
