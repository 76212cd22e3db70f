/**
 * Sinks for bytes that leave the store: a new file, or a descriptor that is not ours. The descriptor stays open, and
 * may be a pipe that takes only as much as it likes.
 */
import * as fs from 'node:fs';
import { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { aborted, hasCode, withPath } from '../core/errors.js';

const CHUNK = 1 << 20;

const write = promisify(fs.write);
/** How long a full pipe is left alone, in milliseconds. */
const PAUSE = 2;

/**
 * Writes to a descriptor. Node's own stream would give up on a pipe that is full five times in a row, and might close
 * the descriptor at its end.
 * @param mayGoOn asked while the pipe is full; throws when it is time to stop
 * @param name of the descriptor's file, for errors
 */
export function descriptorSink(fd: number, mayGoOn: () => void, name?: string): Writable {
  let stopped = false;
  let writing = Promise.resolve();
  const mayWait = (): void => {
    mayGoOn();
    if (stopped) throw aborted();
  };
  return new Writable({
    highWaterMark: CHUNK,
    write: (chunk: Buffer, _encoding, done) => {
      writing = writeAll(fd, chunk, mayWait);
      writing.then(
        () => done(),
        (error: Error) => done(name === undefined ? error : (withPath(error, name) as Error)),
      );
    },
    // Waits for the last write: after it the descriptor may be closed, and its number may soon mean another file.
    destroy: (error, done) => {
      stopped = true;
      const end = (): void => done(error);
      writing.then(end, end);
    },
  });
}

/** Makes a file that must not be there yet. The file exists on return, so that clearing up after a failure finds it. */
export function newFileSink(path: string, mode: number): Writable {
  return fs.createWriteStream(path, { fd: fs.openSync(path, 'wx', mode), highWaterMark: CHUNK });
}

/** Writes everything, however little each write takes. A full disk may take a part and refuse only the rest. */
export async function writeAll(fd: number, bytes: Uint8Array, mayGoOn: () => void): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += (await write(fd, bytes, at)).bytesWritten;
    } catch (error) {
      if (!hasCode(error, 'EAGAIN')) throw error;
      mayGoOn();
      await setTimeout(PAUSE);
    }
  }
}
