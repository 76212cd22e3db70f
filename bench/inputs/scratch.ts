/** A directory to work in. It is removed afterwards, also after a failure or an interrupt. */
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * @param parent an existing directory; the scratch directory is made in it
 * @param stop ends the processes that may still write, before an interrupt removes the directory
 */
export async function withScratch<T>(
  parent: string,
  prefix: string,
  work: (scratch: string) => Promise<T>,
  stop: () => Promise<void> = async () => {},
): Promise<T> {
  const scratch = fs.mkdtempSync(join(parent, prefix));
  // Threads of an interrupted run may still write while the directory is removed, so removing is tried again.
  const remove = (): void => fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  const interrupt = async (signal: (typeof SIGNALS)[number]): Promise<void> => {
    await stop();
    remove();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await work(scratch);
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
    remove();
  }
}
