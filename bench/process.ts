/** Whole processes, since that is what users run: start-up, work and exit count. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Command = readonly [program: string, ...args: string[]];

const PROGRAM = fileURLToPath(new URL('../cli/cairn.js', import.meta.url));

/** A command of cairn's that prints JSON. */
export function cairn(store: string, ...args: string[]): Command {
  return [process.execPath, PROGRAM, '--store', store, '--json', ...args];
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((dir) => {
    try {
      fs.accessSync(join(dir, program), fs.constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const running = new Set<ChildProcess>();
let stopping = false;

/** @returns what it printed @throws Error for any exit code but 0 */
export function run([program, ...args]: Command): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const printed: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
      if (stopping) return; // nothing may go on
      if (code === 0) resolve(Buffer.concat(printed).toString('utf8'));
      else reject(new Error(`${program} ${args.join(' ')}: exit ${code ?? signal}\n${Buffer.concat(complaints)}`));
    });
  });
}

/**
 * Ends what runs, so that no child writes after the cleaning up. Whoever waits for a process waits for ever: the caller
 * is expected to exit.
 */
export async function stopRunning(): Promise<void> {
  stopping = true;
  await Promise.all(
    [...running].map((child) => {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      return closed;
    }),
  );
}

/** Adds up the wall-clock time of the processes that belong to a run; what happens between them is not counted. */
export class Stopwatch {
  #elapsedMs = 0;

  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  async run(command: Command): Promise<string> {
    const begun = performance.now();
    const printed = await run(command);
    this.#elapsedMs += performance.now() - begun;
    return printed;
  }
}
