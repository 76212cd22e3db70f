/**
 * Reading from a pipe or a terminal without being stuck in it: where nothing comes, whoever waits can still be told to stop.
 */
import * as fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { hasCode } from '../core/errors.js';
import { waitForInput } from './native.js';

/** A wait for input ends this often to see whether to go on. */
const LOOK_UP_MS = 100;
const RETRY_MS = 10;

/**
 * Reads what is there, as soon as something is.
 * @param mayGoOn throws when it is time to stop
 * @returns bytes read; 0 at the end
 */
export async function readStream(fd: number, into: Buffer, mayGoOn: () => void): Promise<number> {
  for (;;) {
    mayGoOn();
    if (!(await waitForInput(fd, LOOK_UP_MS))) continue;
    try {
      return fs.readSync(fd, into);
    } catch (error) {
      // Someone else who reads from it was faster, or nobody can tell whether there is anything.
      if (!hasCode(error, 'EAGAIN')) throw error;
      await setTimeout(RETRY_MS);
    }
  }
}
