/** `rm -rf` for paths that are out of sight already. Symlinks are never followed. */
import * as fs from 'node:fs';
import { type ByteString, toFsPath } from '../../engine/core/bytes.js';
import { hasCode } from '../../engine/core/errors.js';
import type { RemoveTask } from '../tasks/render.js';

/** Removes all paths that can be removed, and then throws the first error. */
export function removePaths(task: RemoveTask): null {
  const failures: unknown[] = [];
  for (const path of task.paths) {
    try {
      removeOpened(path);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return null;
}

function removeOpened(path: ByteString): void {
  try {
    remove(path);
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    try {
      openUp(path);
    } catch {
      // The path belongs to another user. The first error says why it stays.
      throw error;
    }
    remove(path);
  }
}

/** Another process may be removing the same path. */
function remove(path: ByteString): void {
  try {
    if (removeLeaf(path)) return;
    for (const entry of childrenOf(path)) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory() || !removeLeaf(child)) remove(child);
    }
    fs.rmdirSync(toFsPath(path));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** @returns whether the path is gone; a directory is not */
function removeLeaf(path: ByteString): boolean {
  try {
    fs.unlinkSync(toFsPath(path));
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    // Linux says EISDIR, POSIX EPERM. If EPERM means no permission, listing the directory fails for the same reason.
    if (hasCode(error, 'EISDIR') || (hasCode(error, 'EPERM') && isDirectory(path))) return false;
    throw error;
  }
}

/** Makes directories of this user writable, so that entries in them can be deleted. */
function openUp(path: ByteString): void {
  if (!isDirectory(path)) return;
  fs.chmodSync(toFsPath(path), 0o700);
  for (const entry of childrenOf(path)) if (entry.isDirectory()) openUp(`${path}/${entry.name}`);
}

function isDirectory(path: ByteString): boolean {
  return fs.lstatSync(toFsPath(path), { throwIfNoEntry: false })?.isDirectory() === true;
}

function childrenOf(path: ByteString): fs.Dirent[] {
  return fs.readdirSync(toFsPath(path), { withFileTypes: true, encoding: 'latin1' });
}
