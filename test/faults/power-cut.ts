/** Cuts the power under a store at work, again and again, and judges what comes back. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { openStore } from '../../engine/store.js';
import { type Begun, type Done, listed } from './busy.js';
import { makeSources } from './ground.js';
import { type FileSystem, LoopDisk } from './loop-disk.js';
import { environment, SYNCING } from './strace.js';

export interface PowerCutOptions {
  type: FileSystem;
  cuts: number;
  /** The build that works on the store. The one that judges is this build. */
  build: string;
  /** A command to run the worker under. */
  under?: readonly string[];
  /** Whether each cut gets a new store: for builds that leave damage behind. */
  afresh?: boolean;
  /** The number of damaging cuts after which the run ends early. */
  enough?: number;
}

export interface PowerCuts {
  cuts: number;
  /** The number of acknowledged results, all of which were looked for. */
  acknowledged: number;
  /** The findings of each cut that lost or damaged something. */
  damage: string[][];
}

/** Runs a command whose syncs do nothing and report success. */
export const WITHOUT_SYNCS: readonly string[] = [
  ...['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', `trace=${SYNCING.join(',')}`],
  ...['-e', `inject=${SYNCING.join(',')}:retval=0`],
];

/** The number of blobs from earlier cuts that are read after each cut. */
const MOST_BLOBS = 20;
/** The power is cut at a random moment after a random number of results. */
const MOST_RESULTS = 10;
const LONGEST_MS = 60;

/** @param at an empty directory */
export async function cutPower(at: string, options: PowerCutOptions): Promise<PowerCuts> {
  const { type, cuts, afresh = false, enough = Number.POSITIVE_INFINITY } = options;
  const result: PowerCuts = { cuts: 0, acknowledged: 0, damage: [] };
  makeSources(at);
  fs.mkdirSync(join(at, 'disk'));
  const disk = new LoopDisk(join(at, 'disk'), type);
  try {
    let blobs: string[] = [];
    for (let cut = 0; cut < cuts && result.damage.length < enough; cut++) {
      const dir = join(disk.dir, afresh ? `store-${cut}` : 'store');
      if (afresh) blobs = [];
      const seen = await workUntilCut(disk, { dir, sources: join(at, 'sources'), seed: cut }, options);
      disk.unmount();
      disk.mount();
      blobs = [...blobs, ...seen.state.filter((line) => line.startsWith('blob '))].slice(-MOST_BLOBS);
      const wrong = await lookAt(dir, { ...seen, state: [...new Set([...seen.state, ...blobs])] });
      result.cuts++;
      result.acknowledged += seen.results;
      if (wrong.length > 0)
        result.damage.push(wrong.map((what) => `${type}, cut ${cut}, during ${seen.during.begin}: ${what}`));
      // Damage stays, and must not be blamed on the next cut.
      if (wrong.length > 0 && !afresh) fs.rmSync(dir, { recursive: true, force: true });
      if (wrong.length > 0) blobs = [];
    }
    return result;
  } finally {
    disk.remove();
  }
}

interface Seen {
  /** The lines of the last acknowledged state. */
  state: readonly string[];
  during: Begun;
  results: number;
}

const UNOPENED: readonly string[] = [];
const NOTHING: Begun = { begin: 'nothing', adds: [], takes: [] };

async function workUntilCut(
  disk: LoopDisk,
  { dir, sources, seed }: { dir: string; sources: string; seed: number },
  options: PowerCutOptions,
): Promise<Seen> {
  const program = join(options.build, 'test', 'faults', 'busy.js');
  const [first, ...rest] = [...(options.under ?? []), process.execPath, program, dir, sources, `${seed}`];
  const child = spawn(first as string, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment({}),
    detached: true,
  });
  const complaints: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const seen: Seen = { state: UNOPENED, during: NOTHING, results: 0 };
  const ended = once(child, 'close');
  let cut = false;
  const due = Math.floor(Math.random() * MOST_RESULTS);
  const worked = new Promise<void>((resolve, reject) => {
    ended.then(() => cut || reject(new Error(`the worker ended by itself: ${Buffer.concat(complaints)}`)), reject);
    createInterface({ input: child.stdout }).on('line', (line) => {
      // After the cut the worker may report on a disk that is gone.
      if (!cut) note(seen, JSON.parse(line));
      if (seen.results >= due && seen.state !== UNOPENED) resolve();
    });
  });
  await worked;
  await setTimeout(Math.random() * LONGEST_MS);
  // Stopped first: work between the last line that is read and the cut would look like damage.
  process.kill(-(child.pid as number), 'SIGSTOP');
  await drained(child);
  cut = true;
  disk.cut();
  process.kill(-(child.pid as number), 'SIGKILL');
  await ended;
  return seen;
}

/** Waits until the pipe is read to its end. */
async function drained(child: ChildProcess): Promise<void> {
  do await setTimeout(1);
  while ((child.stdout?.readableLength ?? 0) > 0);
}

function note(seen: Seen, line: Begun | Done): void {
  if ('begin' in line) {
    seen.during = line;
    return;
  }
  seen.state = line.state;
  seen.during = NOTHING;
  if (line.done !== 'open') seen.results++;
}

async function lookAt(dir: string, { state, during }: Seen): Promise<string[]> {
  const wrong: string[] = [];
  try {
    await using store = await openStore({ dir, workers: 1 });
    const now = new Set(await listed(store));
    const known = new Set(state);
    const among = (starts: readonly string[], line: string): boolean => starts.some((start) => line.startsWith(start));
    for (const line of state) {
      if (line.startsWith('blob ')) {
        await store
          .get(line.slice('blob '.length), join(dir, '..', 'got'), { force: true })
          .catch((error: Error) => wrong.push(`${line}: ${error.message}`));
      } else if (!now.has(line) && !among(during.takes, line)) wrong.push(`acknowledged, but gone: ${line}`);
    }
    for (const line of now) if (!known.has(line) && !among(during.adds, line)) wrong.push(`came back: ${line}`);
    const { missing, miscounted } = await store.fsck();
    wrong.push(...missing.map(({ kind, id, what }) => `fsck: ${kind} ${id} ${what}`));
    wrong.push(...miscounted.map((what) => `fsck: miscounted ${what}`));
    const { damaged } = await store.check();
    wrong.push(...damaged.map(({ kind, id, what }) => `check: ${kind} ${id} ${what}`));
    await store.gc({ images: true, graceMs: 3_600_000 });
    wrong.push(...(await store.fsck()).stray.map((path) => `stray after gc: ${path}`));
  } catch (error) {
    wrong.push(`the store cannot be used: ${(error as Error).message}`);
  }
  return wrong;
}
