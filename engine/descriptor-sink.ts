/** Writing to a descriptor that is not ours: it stays open, and may be a pipe that takes only as much as it likes. */
import * as fs from 'node:fs';
import { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const write = promisify(fs.write);
/** How long a full pipe is left alone, in milliseconds. */
const PAUSE = 2;

/**
 * Node's own stream gives up on a pipe that is full five times in a row, and may close the descriptor at its end.
 * @param mayGoOn asked while the pipe is full; throws when it is time to stop
 */
export function descriptorSink(fd: number, highWaterMark: number, mayGoOn: () => void): Writable {
  return new Writable({
    highWaterMark,
    write: (chunk: Buffer, _encoding, done) => {
      writeAll(fd, chunk, mayGoOn).then(() => done(), done);
    },
  });
}

/** Writes everything, however little is taken at a time: a full disk may take a part and say no only to the rest. */
export async function writeAll(fd: number, bytes: Uint8Array, mayGoOn: () => void): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += (await write(fd, bytes, at)).bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      mayGoOn();
      await setTimeout(PAUSE);
    }
  }
}
