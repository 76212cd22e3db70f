/** One container: a process of the runtime that starts it, waits for its end and passes signals on. */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { CairnError, toCairnError } from '../../core/errors.js';
import type { PlacesOfRun } from '../../disk/layout.js';
import { type CommandLine, cleanEnvironment, commandOf, type OciRuntime } from './runtime.js';
import type { Stdio, Watch } from './watch.js';

/** Bytes of a runtime's log that are read. */
const MOST_LOG = 64 * 2 ** 10;
const SIGNALLED = 128;

export interface RunContext {
  runtime: OciRuntime;
  places: PlacesOfRun;
  watch: Watch;
}

export interface ContainerRequest {
  /** Its id at the runtime, unique on the machine. */
  id: string;
  /** Short, for names of files. */
  label: string;
  /** What it is, in words. */
  title: string;
  bundle: string;
  stdio: Stdio;
}

export class Container {
  readonly #context: RunContext;
  readonly #request: ContainerRequest;
  #process: ChildProcess | undefined;

  constructor(context: RunContext, request: ContainerRequest) {
    this.#context = context;
    this.#request = request;
  }

  /**
   * Runs it to its end.
   * @returns its exit code; 128 and the number of a signal that killed it
   * @throws CairnError `ERR_RUNTIME`, if it could not be started
   */
  async run(): Promise<number> {
    const { id, label, title, bundle, stdio } = this.#request;
    const { places } = this.#context;
    const args = ['run', '--bundle', bundle, '--pid-file', places.pid(label), id];
    const child = this.#context.watch.start(runtimeArgs(this.#context, label, args), stdio);
    this.#process = child;
    const code = await endOf(child, title);
    this.#process = undefined;
    if (code !== 0) mustHaveRun(this.#context, label, title, code);
    return code;
  }

  /** Passes a signal on to the app. */
  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }
}

/** Starts a container that goes on by itself. @returns its process */
export async function startDetached(context: RunContext, request: Omit<ContainerRequest, 'stdio'>): Promise<number> {
  const { id, label, title, bundle } = request;
  const { places } = context;
  const stdio: Stdio = ['ignore', fs.openSync('/dev/null', 'w'), fs.openSync('/dev/null', 'w')];
  try {
    for (const args of [
      ['create', '--bundle', bundle, '--pid-file', places.pid(label), id],
      ['start', id],
    ]) {
      const code = await endOf(context.watch.start(runtimeArgs(context, label, args), stdio), title);
      if (code === 0) continue;
      mustHaveRun(context, label, title, code);
      throw new CairnError('ERR_RUNTIME', `${title}: the runtime ended with ${code}`);
    }
    return Number(fs.readFileSync(places.pid(label), 'latin1'));
  } finally {
    for (const fd of stdio) if (typeof fd === 'number') fs.closeSync(fd);
  }
}

/** Whatever is left of containers, and the containers themselves, if they still run. */
export async function deleteContainers(runtime: OciRuntime, state: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    // A container that is gone is what is wanted.
    if (!fs.existsSync(`${state}/${id}`)) continue;
    const [file, args] = commandOf(runtime, ['--root', state, 'delete', '--force', id]);
    await new Promise<void>((done) => {
      const child = spawn(file, args, { stdio: 'ignore', env: cleanEnvironment() });
      child.on('error', () => done());
      child.on('close', () => done());
    });
  }
}

function runtimeArgs({ runtime, places }: RunContext, label: string, args: readonly string[]): CommandLine {
  return commandOf(runtime, ['--root', places.state, '--log', places.log(label), '--log-format', 'json', ...args]);
}

function endOf(child: ChildProcess, title: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(toCairnError(error, `${title} cannot be run`)));
    child.on('exit', (code, signal) => resolve(code ?? SIGNALLED + (constants.signals[signal as NodeJS.Signals] ?? 0)));
  });
}

/**
 * @throws CairnError `ERR_RUNTIME` with the words of a runtime that did not get as far as running the app, or that had
 *   none: without a process of the app there was no app
 */
function mustHaveRun({ runtime, places }: RunContext, label: string, title: string, code: number): void {
  const began = fs.existsSync(places.pid(label));
  const said = errorIn(places.log(label)) ?? (began ? undefined : `the runtime ended with ${code} before it began`);
  if (said !== undefined)
    throw new CairnError('ERR_RUNTIME', `${title}: ${said}`, { entry: title, path: runtime.path });
}

function errorIn(log: string): string | undefined {
  let text: string;
  try {
    text = fs.readFileSync(log, 'utf8').slice(-MOST_LOG);
  } catch {
    return undefined;
  }
  for (const line of text.trimEnd().split('\n').reverse()) {
    try {
      const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
      if ((level === 'error' || level === 'fatal') && typeof msg === 'string') return msg.trim();
    } catch {
      // Not a line of the log; a runtime that was killed may have cut one short.
    }
  }
  return undefined;
}
