/**
 * Whether somebody has a file open. A mount keeps the files open that it is made of, so this tells whether a mount of
 * such a file lives: whoever made it, in whichever mount namespace, whatever happened to its maker and to the file's
 * name. The kernel tells it to those who ask for a lease on the file, which it gives to nobody else but its only user.
 */
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { type Call, calls } from './native.js';

const [F_SETSIG, F_SETLEASE] = [10, 1024];
const [F_WRLCK, F_UNLCK] = [1, 2];

let fcntl: Call | undefined;

/** @returns `undefined` where the system does not tell */
export function isOpenElsewhere(path: string): boolean | undefined {
  const api = calls();
  if (api === undefined) return undefined;
  fcntl ??= api.find('int fcntl(int fd, int command, long argument)');
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    // Who opens the file while we have the lease waits until we give it back, and we are sent a signal. The usual one
    // would end this process; this one does nothing.
    fcntl(fd, F_SETSIG, constants.signals.SIGURG);
    if (fcntl(fd, F_SETLEASE, F_WRLCK) === 0) {
      fcntl(fd, F_SETLEASE, F_UNLCK);
      return false;
    }
    return api.errno() === constants.errno.EAGAIN ? true : undefined;
  } finally {
    fs.closeSync(fd);
  }
}
