/** Runs what is measured: whole processes, as users run them. Their start and their end count. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export type Command = readonly [program: string, ...args: string[]];

/** Runs commands, with or without a stopwatch. */
export interface Runner {
  run(command: Command): Promise<string>;
}

const running = new Set<ChildProcess>();
let stopping = false;

/** @returns the standard output @throws Error for any exit code but 0 */
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
      if (stopping) return;
      if (code === 0) resolve(Buffer.concat(printed).toString('utf8'));
      else
        reject(new Error(`${shown([program, ...args])}: exit ${code ?? signal}: ${gist(Buffer.concat(complaints))}`));
    });
  });
}

/** A program that runs beside the contestants until it is stopped. */
export interface Server {
  /** What of its complaints said that it is ready. */
  ready: RegExpExecArray;
  stop(): Promise<void>;
}

/** Starts a program that says on standard error when it is ready. @throws Error if it ends before that */
export function serve([program, ...args]: Command, ready: RegExp): Promise<Server> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  let said: string | undefined = '';
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      running.delete(child);
      if (!stopping) reject(new Error(`${shown([program, ...args])} ended: ${gist(Buffer.from(said ?? ''))}`));
    });
    // What it says later is read as well: a pipe that is full would hold it up.
    child.stderr.on('data', (chunk: Buffer) => {
      if (said === undefined) return;
      said += chunk.toString('utf8');
      const found = ready.exec(said);
      if (found === null) return;
      said = undefined;
      const stop = (): Promise<void> => {
        child.kill();
        return ended;
      };
      resolve({ ready: found, stop });
    });
  });
}

/** A bash script; its arguments are `$1`, `$2` … It fails if any part of a pipe fails. */
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

/** The first lines of a standard error that name an error, without stack traces and the code around them. */
function gist(complaints: Buffer): string {
  const lines = complaints
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && line.length < 300);
  const errors = lines.filter((line) => /error|fail|cannot|not /i.test(line));
  return (errors.length > 0 ? errors : lines).slice(0, 3).join('; ');
}

/**
 * Kills all children, so that none writes while their files are removed. `run()` never settles after this: the caller
 * must exit.
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
