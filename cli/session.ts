/** A command's session: its store, a signal that Ctrl-C fires, and ways to print. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { defined } from '../engine/core/defined.js';
import { CairnError, isCairnError, throwIfAborted } from '../engine/core/errors.js';
import type { ArgumentType } from '../engine/core/finding.js';
import { DEFAULT_LIMITS, type Limits } from '../engine/core/limits.js';
import type { OperationOptions } from '../engine/core/operation.js';
import { printable } from '../engine/core/printable.js';
import { withoutSecrets } from '../engine/core/without-secrets.js';
import type { OpenOptions } from '../engine/session/open.js';
import type { Store } from '../engine/store.js';
import { flushOutput, isReaderGone, print, writeOutput } from './output.js';
import { ProgressLine } from './progress.js';
import { EXIT } from './report.js';

/**
 * How a command uses the store. `create` brings content in, and makes a store if there is none. `write` makes none: the
 * store may be one that was mistyped. `read` works on a read-only mount, too. `look` also changes nothing, so that it
 * does not wait for other processes that write the index. A `look` at an image by the path of its archive goes on as
 * `read`, since the archive is imported first.
 */
export type StoreAccess = 'create' | 'write' | 'read' | 'look';

export interface Globals extends Partial<Limits> {
  store?: string;
  config?: string;
  json?: boolean;
  quiet?: boolean;
  progress: boolean;
  workers?: number;
  readOnly?: boolean;
  type?: ArgumentType;
  remote?: string;
  allowForeignStore?: boolean;
  verbose?: boolean;
}

export interface Session<O> {
  store: Store;
  options: O & Globals;
  /** The options for every long operation. */
  running: OperationOptions & { signal: AbortSignal };
  /** Prints the result as JSON with `--json`, else as `text` makes it. It is written when the work is done. */
  print<T>(result: T, text: (result: T) => string): void;
  /** Writes to standard output at once. For output that is too large to hold. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** As {@link write}, also after an interrupt: tells what has been done by then. */
  tell(text: string): Promise<void>;
  /**
   * Has somebody else take the signals that would cancel this command, and others that mean something to an app, until
   * the returned function is called.
   */
  handSignals(receiver: (name: NodeJS.Signals) => void): () => void;
  /** Writes a message for people to stderr, but not with `--quiet`. */
  say(message: string): void;
}

/** A step before the store is opened. @returns the options to open it with */
export type Prepare = (options: OpenOptions, running: OperationOptions) => Promise<OpenOptions>;

/**
 * Opens the store, runs the command and closes the store, whatever happens. Ctrl-C cancels; a second Ctrl-C ends the
 * process at once.
 */
export async function withStore<O extends object>(
  command: Command,
  access: StoreAccess,
  work: (session: Session<O>) => Promise<number | undefined>,
  prepare?: Prepare,
): Promise<void> {
  try {
    await runSession(command, access, work, prepare);
  } catch (error) {
    if (access !== 'look' || !isReadOnly(error)) throw error;
    await runSession(command, 'read', work, prepare);
  }
}

async function runSession<O extends object>(
  command: Command,
  access: StoreAccess,
  work: (session: Session<O>) => Promise<number | undefined>,
  prepare: Prepare | undefined,
): Promise<void> {
  const options = command.optsWithGlobals<O & Globals>();
  const line = process.stderr.isTTY && options.progress && options.quiet !== true ? new ProgressLine() : undefined;
  const interrupts = catchInterrupts(() => line?.clear());
  const say = (message: string): void => {
    line?.clear();
    if (options.quiet !== true) process.stderr.write(`cairn: ${printable(withoutSecrets(message))}\n`);
  };
  try {
    const running = { signal: interrupts.signal, ...defined({ onProgress: line?.show }) };
    const opening = openOptions(options, access, say);
    const store = await open(prepare === undefined ? opening : await prepare(opening, running), access);
    try {
      const code = await work({
        store,
        options,
        running,
        print: (result, text) => {
          line?.clear();
          print(options.json === true ? `${JSON.stringify(result)}\n` : text(result));
        },
        write: async (bytes) => {
          throwIfAborted(interrupts.signal);
          line?.clear();
          await writeOutput(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, interrupts.signal);
        },
        tell: async (text) => {
          line?.clear();
          await writeOutput(Buffer.from(text), interrupts.signal);
        },
        handSignals: (receiver) => {
          line?.clear();
          return interrupts.handTo(receiver);
        },
        say,
      });
      await tellResult(interrupts.signal);
      // Work that says how it ended was ended by the interrupt as it should be.
      if (code === undefined) throwIfAborted(interrupts.signal);
      process.exitCode = code ?? EXIT.done;
    } finally {
      line?.clear();
      await store.close();
    }
  } finally {
    interrupts.stop();
  }
}

/** Writes the result. A reader that has closed standard output is no error, since the work is done. */
async function tellResult(signal: AbortSignal): Promise<void> {
  try {
    await flushOutput(signal);
  } catch (error) {
    if (!isReaderGone(error)) throw error;
  }
}

function openOptions(options: Globals, access: StoreAccess, onNotice: (message: string) => void): OpenOptions {
  const base: OpenOptions = {
    dir: storeDir(options),
    create: access === 'create',
    limits: limitsIn(options),
    onNotice,
  };
  if (options.workers !== undefined) base.workers = options.workers;
  if (options.type !== undefined) base.argumentType = options.type;
  if (options.remote !== undefined) base.remote = options.remote;
  if (options.allowForeignStore === true) base.foreign = true;
  if (options.readOnly === true) {
    if (changesStore(access))
      throw new CairnError('ERR_READ_ONLY', 'this command writes to the store', { path: base.dir });
    base.readOnly = true;
  }
  return base;
}

function changesStore(access: StoreAccess): boolean {
  return access === 'create' || access === 'write';
}

async function open(base: OpenOptions, access: StoreAccess): Promise<Store> {
  const { openStore } = await import('../engine/store.js');
  try {
    return await openStore(
      access === 'look' && base.readOnly !== true ? { ...base, readOnly: true, shared: true } : base,
    );
  } catch (error) {
    if (changesStore(access) || !isCairnError(error)) throw error;
    // A process that is killed while it makes a store may leave no index. Making the index takes writing.
    if (access === 'look' && LOOKABLE_OTHERWISE.has(error.code)) return open(base, 'read');
    if (access === 'look' || !READABLE_ALL_THE_SAME.has(error.code)) throw error;
    if (error.code === 'ERR_FOREIGN_STORE') base.onNotice?.(`${error.path} belongs to another user: it is only read`);
    return openStore({ ...base, readOnly: true });
  }
}

/** Errors that keep a command from writing, not from reading. */
const READABLE_ALL_THE_SAME: ReadonlySet<string> = new Set(['ERR_READ_ONLY', 'ERR_FOREIGN_STORE']);
const LOOKABLE_OTHERWISE: ReadonlySet<string> = new Set([...READABLE_ALL_THE_SAME, 'ERR_DAMAGED']);

function isReadOnly(error: unknown): boolean {
  return isCairnError(error, 'ERR_READ_ONLY');
}

export function storeDir({ store }: Globals): string {
  if (store === '') throw new CairnError('ERR_USAGE', '--store needs a directory, not an empty text');
  if (store !== undefined) return store;
  if (process.geteuid?.() === 0) return '/var/lib/cairn';
  return join(process.env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'cairn');
}

function limitsIn(options: Globals): Partial<Limits> {
  const limits: Partial<Limits> = {};
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const value = options[name];
    if (value !== undefined) limits[name] = value;
  }
  return limits;
}

/** Interrupts within this time count as one. */
const ONE_INTERRUPT_MS = 500;

/** Signals that cancel, and those that nobody but an app has a use for. */
const CANCELLING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const FOR_APPS = [...CANCELLING, 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGALRM'] as const;

interface Interrupts {
  signal: AbortSignal;
  handTo: Session<object>['handSignals'];
  stop: () => void;
}

/** @param atOnce called before the process ends at once */
export function catchInterrupts(atOnce: () => void): Interrupts {
  const controller = new AbortController();
  let first = 0;
  let isHanded = false;
  const interrupt = (): void => {
    if (isHanded) return;
    // A key that bounces, or a terminal and a program that both pass an interrupt on, mean one.
    if (controller.signal.aborted && performance.now() - first > ONE_INTERRUPT_MS) {
      atOnce();
      process.exit(EXIT.interrupted);
    }
    if (!controller.signal.aborted) first = performance.now();
    controller.abort();
  };
  for (const name of CANCELLING) process.on(name, interrupt);
  return {
    signal: controller.signal,
    handTo: (receiver) => {
      isHanded = true;
      for (const name of FOR_APPS) process.on(name, receiver);
      return () => {
        isHanded = false;
        for (const name of FOR_APPS) process.off(name, receiver);
      };
    },
    stop: () => {
      const ignore = (): void => {
        for (const name of CANCELLING) process.off(name, interrupt);
      };
      // The rest of an interrupt may come while the process ends, and must not end it as a signal does.
      if (controller.signal.aborted) setTimeout(ignore, ONE_INTERRUPT_MS).unref();
      else ignore();
    },
  };
}
