/** A command that stands still while it holds its locks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { hasCode } from '../../engine/core/errors.js';
import { PROGRAM } from '../fixtures/cli.js';
import { environment } from './strace.js';

export interface Stalled {
  /** Kills the command and its strace. */
  kill(): Promise<void>;
}

const PATIENCE_MS = 30_000;

/** Runs `cairn ARGS` and stops it at its first call of this kind. */
export async function stallAt(call: string, args: readonly string[], store: string): Promise<Stalled> {
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGSTOP:when=1`];
  const child = spawn('strace', ['-f', '-qq', '-o', '/dev/null', ...inject, process.execPath, PROGRAM, ...args], {
    stdio: 'ignore',
    env: environment({ CAIRN_STORE: store }),
    detached: true,
  });
  const ended = once(child, 'close');
  for (const end = Date.now() + PATIENCE_MS; !isStopped(child); await setTimeout(10)) {
    if (Date.now() > end || child.exitCode !== null) throw new Error(`cairn ${args.join(' ')} did not come to ${call}`);
  }
  return {
    async kill() {
      process.kill(-(child.pid as number), 'SIGKILL');
      await ended;
    },
  };
}

/** Whether the child of strace has stopped. */
function isStopped({ pid }: ChildProcess): boolean {
  const [tracee] = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  if (tracee === undefined || tracee === '') return false;
  try {
    // The state follows the name, which may hold any character.
    return /^[Tt]/.test(fs.readFileSync(`/proc/${tracee}/stat`, 'latin1').replace(/^.*\) /s, ''));
  } catch (error) {
    // The first children of strace only try what the kernel can do, and end at once.
    if (hasCode(error, 'ENOENT', 'ESRCH')) return false;
    throw error;
  }
}
