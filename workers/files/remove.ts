/** `rm -rf` of what is out of sight already. Symlinks are never followed. */
import * as fs from 'node:fs';
import { type ByteString, toFsPath } from '../../engine/core/bytes.js';
import { hasCode } from '../../engine/core/errors.js';
import type { RemoveTask } from '../tasks/render.js';

/** Removes what can be removed, and then throws what went wrong first. */
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
      // It is not ours to open. What was said first says why it stays.
      throw error;
    }
    remove(path);
  }
}

/** Another may be removing the same. */
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

/** @returns whether it is gone; a directory is not */
function removeLeaf(path: ByteString): boolean {
  try {
    fs.unlinkSync(toFsPath(path));
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    // Linux says the first, POSIX the second; where it means that we may not, listing it will say so again.
    if (hasCode(error, 'EISDIR') || (hasCode(error, 'EPERM') && isDirectory(path))) return false;
    throw error;
  }
}

/** Lets us delete in directories whose owner, being us, may not write in them. */
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
