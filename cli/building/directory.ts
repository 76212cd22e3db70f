/** The directory of a build that a command is about, and work that needs no store. */
import type { Command } from 'commander';
import type { OperationOptions } from '../../engine/core/operation.js';
import { Pool } from '../../engine/session/pool.js';
import { flushOutput, print } from '../output.js';
import { catchInterrupts, type Globals } from '../session.js';

export interface OfBuild {
  dir?: string;
}

/** Adds the option that says which build is meant. */
export function ofBuild(command: Command): Command {
  return command.option('--dir <dir>', 'the build (default: the current directory)');
}

export function dirOf({ dir = '.' }: OfBuild): string {
  return dir;
}

/** The options of a command, and those of the program. An option of both is the command's where the command has it. */
function optionsOf<O extends object>(command: Command): O & Globals {
  return { ...command.optsWithGlobals<O & Globals>(), ...command.opts<O>() };
}

/** Runs a short command that needs neither a store nor workers. @param work gives the result for `--json` */
export async function onBuild<O extends OfBuild>(
  command: Command,
  work: (dir: string, options: O & Globals) => Promise<unknown>,
): Promise<void> {
  const options = optionsOf<O>(command);
  const result = await work(dirOf(options), options);
  if (options.json === true) print(`${JSON.stringify(result ?? { dir: dirOf(options) })}\n`);
  await flushOutput();
}

/** Runs a command that needs a worker and no store. Ctrl-C cancels. */
export async function withWorker<T>(
  work: (pool: Pool, running: OperationOptions & { signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const interrupts = catchInterrupts(() => {});
  const pool = new Pool(1);
  try {
    return await work(pool, { signal: interrupts.signal });
  } finally {
    interrupts.stop();
    await pool.close();
  }
}

/** The command in acbuild's words, for a build that keeps its history. */
export function commandOf(command: Command, args: readonly string[]): { words: string; args: readonly string[] } {
  return { words: command.name(), args };
}
