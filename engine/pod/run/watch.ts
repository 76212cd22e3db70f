/**
 * Keeps watch over containers for as long as this process lives. If it is killed, they do not run on without it: a
 * small shell notices, since its input ends, and deletes them. It holds the pod's lock until they are gone, so that
 * nobody takes a pod for ended whose apps run.
 *
 * The first process of the runtime brings the shell with it: to start a process from one as large as this takes longer
 * than most of what a runtime does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { PlacesOfRun } from '../../disk/layout.js';
import { type CommandLine, cleanEnvironment, commandOf, type OciRuntime } from './runtime.js';

/** The descriptor of the shell's input, behind standard streams and the lock. */
const INPUT = 4;

/**
 * The shell is no child of what it comes with: a runtime that waits for its children would wait for it. `read` fails at
 * the end of the input.
 */
const SCRIPT = `(
  (
    trap "" HUP INT TERM QUIT
    exec <&${INPUT} ${INPUT}<&- >/dev/null 2>&1
    read -r done && exit
    for id in $IDS; do $DELETE "$id"; done
  ) &
)
exec ${INPUT}<&-
exec "$@"`;

export type Stdio = readonly [stdin: number | 'ignore', stdout: number, stderr: number];

export interface Watched {
  runtime: OciRuntime;
  places: PlacesOfRun;
  /** The descriptor of the pod's lock. Processes that inherit it hold the lock, too. */
  lock: number;
  /** Of the containers. */
  ids: readonly string[];
}

export class Watch {
  readonly #watched: Watched;
  #input: Socket | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /**
   * Starts a process of the runtime, in a session of its own: what the terminal sends goes to this process alone, which
   * passes it on. Otherwise the app would get it twice.
   */
  start([file, args]: CommandLine, stdio: Stdio): ChildProcess {
    const options = { detached: true, env: cleanEnvironment() };
    const { lock } = this.#watched;
    if (this.#input !== undefined) return spawn(file, args, { ...options, stdio: [...stdio, lock] });
    const child = spawn('/bin/sh', ['-c', this.#script(), 'sh', file, ...args], {
      ...options,
      stdio: [...stdio, lock, 'pipe'],
    });
    this.#input = child.stdio[INPUT] as Socket;
    this.#input.on('error', () => undefined);
    this.#input.unref();
    return child;
  }

  end(): void {
    this.#input?.end('done\n');
  }

  #script(): string {
    const { runtime, places, ids } = this.#watched;
    const [file, args] = commandOf(runtime, ['--root', places.state, 'delete', '--force']);
    const list = (words: readonly string[]): string => words.map(quoted).join(' ');
    return SCRIPT.replace('$IDS', () => list(ids)).replace('$DELETE', () => list([file, ...args]));
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
