/** Running what is measured: whole processes, since that is what users run; start-up, work and exit count. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export type Command = readonly [program: string, ...args: string[]];

/** What runs commands: plainly, or with a stopwatch. */
export interface Runner {
  run(command: Command): Promise<string>;
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
      else
        reject(new Error(`${shown([program, ...args])}: exit ${code ?? signal}: ${gist(Buffer.concat(complaints))}`));
    });
  });
}

/** A script whose arguments are `$1`, `$2` …; it fails with the first part of a pipe that fails. */
export function script(text: string, ...args: string[]): Command {
  return ['bash', '-c', `set -euo pipefail; ${text}`, 'bash', ...args];
}

export async function remove(...paths: string[]): Promise<void> {
  await run(['rm', '-rf', '--', ...paths]);
}

function shown(command: Command): string {
  const text = command.join(' ');
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}

/** The lines of what a program complained that say something; a stack trace and the code around it do not. */
function gist(complaints: Buffer): string {
  const lines = complaints
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && line.length < 300);
  const errors = lines.filter((line) => /error|fail|cannot|not /i.test(line));
  return (errors.length > 0 ? errors : lines).slice(0, 3).join('; ');
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
