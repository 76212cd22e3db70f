/**
 * Standard output, by its descriptor: of what Node's own stream is given, a full disk may take a part without anybody being told, and
 * while nobody reads what it holds, the process cannot end.
 */
import { isCairnError, throwIfAborted, toCairnError } from '../engine/core/errors.js';
import { writeAll } from '../engine/disk/output-stream.js';

const STDOUT = 1;

let printed = '';

/** To be called before anything is written. */
export function prepareOutput(): void {
  // That there is a stream keeps a full pipe from blocking whoever writes to its descriptor.
  process.stdout.on('error', () => {});
  // What nobody hears must not keep the work from being done, nor change how it ends.
  process.stderr.on('error', () => {});
}

/** Takes what the next {@link flushOutput} writes. */
export function print(text: string): void {
  printed += text;
}

/** @throws CairnError `ERR_ABORTED` when the signal fires while nobody reads, `ERR_NO_SPACE`, `ERR_IO` */
export async function flushOutput(signal?: AbortSignal): Promise<void> {
  const text = printed;
  printed = '';
  await writeOutput(Buffer.from(text), signal);
}

/** @throws as {@link flushOutput} */
export async function writeOutput(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  try {
    await writeAll(STDOUT, bytes, () => throwIfAborted(signal));
  } catch (error) {
    throw toCairnError(error, 'standard output');
  }
}

/** Whoever read standard output has had enough. A file or pipe that has a name is told with it. */
export function isReaderGone(error: unknown): boolean {
  return isCairnError(error) && error.errno === 'EPIPE' && error.path === undefined;
}
