/** Writing to a descriptor that is not ours: it stays open, and may be a pipe that takes only as much as it likes. */
import * as fs from 'node:fs';
import { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const write = promisify(fs.write);
/** How long a full pipe is left alone, in milliseconds. */
const PAUSE = 2;

/** Node's own stream gives up on a pipe that is full five times in a row, and may close the descriptor at its end. */
export function descriptorSink(fd: number, highWaterMark: number): Writable {
  return new Writable({
    highWaterMark,
    write: (chunk: Buffer, _encoding, done) => {
      writeAll(fd, chunk).then(() => done(), done);
    },
  });
}

async function writeAll(fd: number, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    try {
      at += (await write(fd, chunk, at)).bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await setTimeout(PAUSE);
    }
  }
}
