/**
 * Opens directories in a tree by the paths that a process would use whose root the tree is: symlinks lead to where they
 * would lead there, and nothing leads out, not even if somebody exchanges directories for symlinks meanwhile.
 */
import * as fs from 'node:fs';
import { type ByteString, fromText, toFsPath, toText } from '../core/bytes.js';
import { CairnError, hasCode } from '../core/errors.js';
import { MAX_SYMLINK_HOPS } from '../core/limits.js';
import type { OpenDirectory } from './beneath.js';
import { setPathTimes } from './set-metadata.js';
import { type FileStat, fileStat } from './stat.js';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = fs.constants;

export interface DirectoryInRoot extends OpenDirectory {
  close(): void;
}

/**
 * @param path absolute or not, in the tree
 * @param make missing directories, for everybody to enter, of time 0; a directory that gets one keeps its own time
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_USAGE` where the way leads through what is no directory or round in circles
 */
export function openInRoot(root: string, path: ByteString, make: boolean): DirectoryInRoot {
  const stack: OpenDirectory[] = [openAt(fromText(root))];
  const left = partsOf(path);
  let hops = 0;
  try {
    while (left.length > 0) {
      const name = left.shift() as ByteString;
      if (name === '..') {
        if (stack.length > 1) close(stack.pop());
        continue;
      }
      const here = stack.at(-1) as OpenDirectory;
      const at = `${here.path}/${name}`;
      const type = fileStat(at)?.type;
      if (type === 'symlink') {
        if (++hops > MAX_SYMLINK_HOPS)
          throw new CairnError('ERR_USAGE', `${toText(path)}: symlinks lead round in circles`);
        const target = fs.readlinkSync(toFsPath(at), { encoding: 'buffer' }).toString('latin1');
        if (target.startsWith('/')) for (const each of stack.splice(1)) close(each);
        left.unshift(...partsOf(target));
        continue;
      }
      if (type === undefined) {
        if (!make)
          throw new CairnError('ERR_NOT_FOUND', `no directory ${toText(path)} in the tree`, { entry: toText(path) });
        makeIn(here, at);
      } else if (type !== 'dir') {
        throw new CairnError('ERR_USAGE', `${toText(path)}: ${toText(name)} is a ${type}, no directory`, {
          entry: toText(path),
        });
      }
      stack.push(openAt(at));
    }
  } catch (error) {
    for (const each of stack) close(each);
    throw error;
  }
  const found = stack.pop() as OpenDirectory;
  for (const each of stack) close(each);
  return { ...found, close: () => close(found) };
}

/** Notes a directory's time. @returns what sets the time back, after changes in the directory */
export function noteTime({ path }: OpenDirectory): () => void {
  const { sec, nsec } = fileStat(`${path}/.`) as FileStat;
  return () => {
    setPathTimes(`${path}/.`, sec, nsec);
  };
}

function makeIn(directory: OpenDirectory, at: ByteString): void {
  const setBack = noteTime(directory);
  try {
    fs.mkdirSync(toFsPath(at), { mode: 0o755 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    return;
  }
  const made = openAt(at);
  try {
    fs.fchmodSync(made.fd, 0o755);
    setPathTimes(`${made.path}/.`, 0, 0);
  } finally {
    close(made);
    setBack();
  }
}

function openAt(path: ByteString): OpenDirectory {
  const fd = fs.openSync(toFsPath(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const link = `/proc/self/fd/${fd}`;
  return { fd, path: fs.existsSync(`${link}/.`) ? link : path };
}

function close(directory: OpenDirectory | undefined): void {
  if (directory !== undefined) fs.closeSync(directory.fd);
}

function partsOf(path: ByteString): ByteString[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
