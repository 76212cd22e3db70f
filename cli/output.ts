/**
 * Writes to standard output by its descriptor. Node's own stream does not report that a full disk took only a part of a
 * write, and keeps the process from ending while nobody reads what the stream holds.
 */
import { isCairnError, throwIfAborted, toCairnError } from '../engine/core/errors.js';
import { writeAll } from '../engine/disk/output-stream.js';

const STDOUT = 1;

let printed = '';

/** To be called before the first write. */
export function prepareOutput(): void {
  // The stream makes the descriptor non-blocking: a full pipe does not block a write.
  process.stdout.on('error', () => {});
  // Messages that nobody reads must neither stop the work nor change how it ends.
  process.stderr.on('error', () => {});
}

/** Keeps text for the next {@link flushOutput}. */
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

/** Whether the reader of standard output has closed it. An error with a path concerns another file or pipe. */
export function isReaderGone(error: unknown): boolean {
  return isCairnError(error) && error.errno === 'EPIPE' && error.path === undefined;
}
