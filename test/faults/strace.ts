/**
 * Runs the program under strace, which counts its system calls and makes the Nth of a kind kill the process or fail.
 *
 * strace counts the calls of each thread separately: `when=3` hits the first thread that makes its third call of the
 * kind. The call that was hit is therefore read from the log.
 */
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place.js';

/** Calls that change something on disk. `openat` counts where it may create a file. */
const CHANGING = [
  ...['open', 'openat', 'creat', 'mkdir', 'mkdirat', 'mknod', 'mknodat', 'symlink', 'symlinkat', 'link', 'linkat'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'copy_file_range', 'sendfile', 'ftruncate', 'fallocate'],
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'rmdir'],
  ...['chmod', 'fchmod', 'fchmodat', 'chown', 'fchown', 'lchown', 'fchownat', 'utimensat', 'setxattr', 'lsetxattr'],
  ...['fsync', 'fdatasync', 'sync', 'syncfs', 'msync', 'sync_file_range'],
];

/** Calls that make what was written durable. */
export const SYNCING = ['fsync', 'fdatasync', 'sync', 'syncfs', 'msync', 'sync_file_range'];

export interface Fault {
  call: string;
  /** The number of the call among those of its kind, counted from 1 in each thread. */
  nth: number;
  /** `kill`, `stop`, the name of an errno, or `pretend`: the call is not made and reports success. */
  effect: string;
  /** Whether all later calls are hit, too. */
  lasting?: boolean;
}

/** A call that touched files of the command. */
export interface Call {
  name: string;
  nth: number;
  changing: boolean;
  /** The line of the log. */
  text: string;
}

export interface TracedRun {
  code: number | null;
  signal: NodeJS.Signals | null;
  killed: boolean;
  timedOut: boolean;
  stdout: string;
  stderr: string;
  calls: Call[];
  /** The call that the fault hit, as strace logged it; `undefined` if it touched no files of the command. */
  hit: string | undefined;
}

const TIMEOUT_MS = 60_000;
/** With four threads in Node's pool each could make its first flush, and a second one would never be met. */
const ONE_POOL_THREAD = { UV_THREADPOOL_SIZE: '1' };

/** Why strace does not work here, or undefined if it does. */
export function straceFault(): string | undefined {
  const tried = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync', 'true'], {
    encoding: 'utf8',
  });
  if (tried.error !== undefined) return 'no strace here';
  return tried.status === 0 ? undefined : `strace does not work here: ${tried.stderr.trim()}`;
}

/** Runs `PROGRAM --json ARGS` on a store. However the program ends, this does not throw. */
export async function runTraced(
  program: string,
  args: readonly string[],
  place: Place,
  fault?: Fault,
): Promise<TracedRun> {
  const log = join(place.dir, 'strace.log');
  const inject = fault === undefined ? [] : ['-e', injection(fault)];
  // With it only the traced calls stop, which is faster, but no signal can be injected.
  const quick = fault?.effect === 'kill' || fault?.effect === 'stop' ? [] : ['--seccomp-bpf'];
  const command = [process.execPath, program, '--json', '--workers', '2', ...args];
  const child = spawn(
    'strace',
    ['-f', ...quick, '-qq', '-y', '-o', log, '-e', `trace=${CHANGING.join(',')}`, ...inject, ...command],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment({ CAIRN_STORE: place.store, ...ONE_POOL_THREAD }),
      detached: true,
    },
  );
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    // The whole group: killing strace alone leaves its tracee behind.
    process.kill(-(child.pid as number), 'SIGKILL');
  }, TIMEOUT_MS);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...ended) => resolve(ended));
  });
  clearTimeout(timer);
  const lines = fs.readFileSync(log, 'latin1').split('\n');
  fs.rmSync(log);
  return {
    code,
    signal,
    killed: signal === 'SIGKILL' || code === 137,
    timedOut,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
    calls: callsIn(lines, place),
    hit: hitIn(lines, place),
  };
}

/** The environment of a command's process. A file of certificates would be parsed at every start, for nothing. */
export function environment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _unused, ...rest } = process.env;
  return { ...rest, ...own };
}

function injection({ call, nth, effect, lasting }: Fault): string {
  const what =
    effect === 'kill'
      ? 'signal=SIGKILL'
      : effect === 'stop'
        ? 'signal=SIGSTOP'
        : effect === 'pretend'
          ? 'retval=0'
          : `error=${effect}`;
  return `inject=${call}:${what}:when=${nth}${lasting === true ? '+' : ''}`;
}

function callsIn(lines: readonly string[], place: Place): Call[] {
  const counts = new Map<string, number>();
  const calls: Call[] = [];
  for (const line of lines) {
    const [, thread, name, rest] = /^(\d+) +([a-z_0-9]+)\((.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) continue;
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, nth);
    if (!touches(line, place)) continue;
    const opens = name === 'open' || name === 'openat';
    calls.push({ name, nth, changing: !opens || rest.includes('O_CREAT'), text: `${name}(${rest}` });
  }
  return calls;
}

/**
 * A call that another thread interrupts has two lines: the first has the path, the second the mark of the injection.
 */
function hitIn(lines: readonly string[], place: Place): string | undefined {
  const begun = new Map<string, string>();
  let hit: string | undefined;
  for (const line of lines) {
    const [, thread, text] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (thread === undefined || text === undefined) continue;
    if (text.endsWith('<unfinished ...>')) begun.set(thread, text);
    if (!text.includes('(INJECTED)')) continue;
    const whole = text.startsWith('<...') ? `${begun.get(thread) ?? ''}${text}` : text;
    // Another thread was hit at its own Nth call of this kind, which touched other files.
    if (!touches(whole, place)) return undefined;
    hit ??= whole;
  }
  return hit;
}

function touches(line: string, { dir, sources }: Place): boolean {
  return line.includes(`${dir}/`) && !line.includes(`${sources}/`);
}
