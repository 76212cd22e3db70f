/** Kills readers while they read. Their slots in LMDB's table, which has 512, must become free again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { environment } from './strace.js';

export interface DeadReaders {
  killed: number;
  /** The largest number of listed readers besides the two that lived. */
  most: number;
}

/**
 * One reader lives all the time: LMDB begins a new table when it opens a store that no process has open.
 * @param build the build that the readers run
 * @param store an existing store
 */
export async function killReaders(build: string, store: string, count: number): Promise<DeadReaders> {
  const keeper = await startReader(build, store);
  let most = 0;
  try {
    for (let killed = 0; killed < count; killed++) {
      const reader = await startReader(build, store);
      most = Math.max(most, reader.listed - 2);
      await reader.kill();
    }
  } finally {
    await keeper.kill();
  }
  return { killed: count, most };
}

async function startReader(build: string, store: string): Promise<{ listed: number; kill: () => Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, [join(build, 'test', 'faults', 'reader.js'), store], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment({}),
  });
  const ended = once(child, 'close');
  const told = await Promise.race([
    once(child.stdout as NonNullable<typeof child.stdout>, 'data'),
    ended.then(() => []),
  ]);
  if (told.length === 0) throw new Error('a reader could not read');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { listed: Number(told[0]), kill };
}
