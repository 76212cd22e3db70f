/** Runs several processes on one store, some of them killed. The store must end as if they had worked by turns. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { unmount } from '../../engine/disk/mount.js';
import { mountsBelow } from '../../engine/disk/mounts.js';
import { openStore } from '../../engine/store.js';
import { IMAGES, makeSources } from './ground.js';
import { type Expectations, hashTree, type RaceReport } from './racer.js';
import { environment } from './strace.js';
import { inspectStore } from './verdict.js';

export interface RaceOptions {
  processes: number;
  seconds: number;
  /** The build that races. The one that judges is this build. */
  build: string;
  /** Whether processes also mount trees, which takes root, and a disk that is no memory. */
  mounts?: boolean;
  /** Seconds between two kills, about; without it no process is killed. */
  killEvery?: number;
}

export interface Raced {
  operations: number;
  reads: number;
  refused: number;
  killed: number;
  longestMs: number;
  wrong: string[];
}

/** Time for a racer to finish its last operation. */
const PATIENCE_MS = 60_000;
const SOME_MORE_SECONDS = 2;

/** @param at an empty directory */
export async function race(at: string, options: RaceOptions): Promise<Raced> {
  makeSources(at);
  const store = join(at, 'store');
  const expected = join(at, 'expected.json');
  fs.writeFileSync(expected, JSON.stringify(await expectations(at)));
  const raced: Raced = { operations: 0, reads: 0, refused: 0, killed: 0, longestMs: 0, wrong: [] };
  const end = Date.now() + options.seconds * 1000;
  const lane = async (number: number): Promise<void> => {
    for (let turn = 0; ; turn++) {
      const left = (end - Date.now()) / 1000;
      const isOver = left < 0.5;
      // A busy machine may have been too slow for anyone to get something done. They then go on, and nobody is killed.
      if (isOver && (raced.operations > 0 || raced.wrong.length > 0)) break;
      const seconds = isOver ? SOME_MORE_SECONDS : left;
      const args = [store, join(at, 'sources'), expected, `${seconds}`, `${number + 100 * turn}`];
      const program = join(options.build, 'test', 'faults', 'racer.js');
      const env = environment(options.mounts === true ? { CAIRN_RUN_DIR: join(at, 'run') } : {});
      await run(program, args, { env, killEvery: isOver ? undefined : options.killEvery }, raced);
    }
  };
  try {
    await Promise.all(Array.from({ length: options.processes }, (_none, i) => lane(i)));
  } finally {
    for (const point of mountsBelow(at).reverse()) unmount(point, { lazy: true });
  }
  raced.wrong.push(...(await inspectStore(store)).map((what) => `afterwards: ${what}`));
  return raced;
}

interface Running {
  env: NodeJS.ProcessEnv;
  killEvery: number | undefined;
}

async function run(program: string, args: string[], { env, killEvery }: Running, raced: Raced): Promise<void> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const watch = new AbortController();
  const killing = killEvery === undefined ? undefined : killSometime(child, killEvery, watch.signal);
  const late = killSometime(child, Number(args[3]) + PATIENCE_MS / 1000, watch.signal, 1);
  const [code, signal] = await once(child, 'close');
  watch.abort();
  if (await late) raced.wrong.push('a process hangs');
  else if (await killing) raced.killed++;
  else if (code !== 0) raced.wrong.push(`a process ended with ${code ?? signal}: ${Buffer.concat(err)}`);
  for (const line of Buffer.concat(out).toString().split('\n')) if (line !== '') note(raced, JSON.parse(line));
}

function note(raced: Raced, line: RaceReport): void {
  raced.wrong.push(...line.wrong);
  raced.operations += sum(line.done);
  raced.reads += line.reads;
  raced.refused += sum(line.refused);
  raced.longestMs = Math.max(raced.longestMs, line.longestMs);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** Kills a process after some time. @returns whether the process was still there to be killed */
async function killSometime(child: ChildProcess, seconds: number, signal: AbortSignal, least = 0.2): Promise<boolean> {
  const share = least + Math.random() * (1 - least) * 2;
  try {
    await setTimeout(share * seconds * 1000, undefined, { signal });
    return child.kill('SIGKILL');
  } catch {
    return false;
  }
}

/** The key and the tree of each image, from a store that no other process uses. */
async function expectations(at: string): Promise<Expectations> {
  const dir = join(at, 'undisturbed');
  const expected: Record<string, Expectations[string]> = {};
  await using store = await openStore({ dir, workers: 1 });
  for (const source of IMAGES) await store.import(join(at, 'sources', source));
  for (const source of IMAGES) {
    const { key } = await store.import(join(at, 'sources', source));
    expected[source] = { key, tree: hashTree((await store.render(key, { mode: 'link' })).path) };
  }
  return expected;
}
