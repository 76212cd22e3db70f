/**
 * Reads from a pipe or a terminal without being stuck in it: while nothing comes, the wait can still be stopped.
 */
import * as fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { hasCode } from '../core/errors.js';
import { waitForInput } from './native.js';

/** A wait for input ends after so many milliseconds to see whether to go on. */
const LOOK_UP_MS = 100;
const RETRY_MS = 10;

/**
 * Waits for input, then reads as much as there is.
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
      // Another reader was faster, or the wait could not tell whether there is any input.
      if (!hasCode(error, 'EAGAIN')) throw error;
      await setTimeout(RETRY_MS);
    }
  }
}
