/**
 * Sweeps faults through commands: runs each command undisturbed to find the points, then with a fault at each point.
 */
import * as fs from 'node:fs';
import { eachOf } from '../../engine/core/concurrency.js';

import { PROGRAM } from '../fixtures/cli.js';
import { placeFrom, prepareGround } from './ground.js';
import type { Operation } from './operations.js';
import { type Call, type Fault, runTraced, type TracedRun } from './strace.js';
import { type Expected, judge, stateOf } from './verdict.js';

export interface SweepOptions {
  operations: readonly Operation[];
  /** The faults for a command that makes these calls. */
  faults: (calls: readonly Call[], operation: Operation) => Fault[];
  /** Judges how a run ended. */
  assess: (run: TracedRun, fault: Fault) => Assessment;
  /** The most faults for each command, spread over its run. */
  perOperation?: number;
  /** The names of the calls that are hit; all unless given. */
  only?: RegExp;
  /** The program that is disturbed. The one that judges the store is always this build. */
  program?: string;
  /** The number of findings after which the sweep ends early. */
  enough?: number;
}

export interface Assessment {
  counts: boolean;
  wrong: string[];
  /** Whether a known defect of a package that cairn uses ended the run. */
  upstream?: boolean;
}

export interface Finding {
  operation: string;
  fault: Fault;
  wrong: string[];
}

export interface Swept {
  points: number;
  /** The number of runs in which the command reported success all the same. */
  acknowledged: number;
  /** The number of faults that hit no files of the command, so that they show nothing. */
  missed: number;
  /** The number of runs that a known defect of a package ended. */
  upstream: number;
  findings: Finding[];
}

/** Tries of a fault that misses: threads share the work in another way every time. */
const TRIES = 3;
const SIDE_BY_SIDE = 2;

/** @param dir an empty directory to work in */
export async function sweepFaults(dir: string, options: SweepOptions): Promise<Swept> {
  await prepareGround(dir);
  const swept: Swept = { points: 0, acknowledged: 0, missed: 0, upstream: 0, findings: [] };
  let serial = 0;
  for (const operation of options.operations) {
    const { expected, calls } = await undisturbed(dir, operation);
    const { only = /./ } = options;
    const faults = spread(
      options.faults(calls, operation).filter(({ call }) => only.test(call)),
      options.perOperation,
    );
    await eachOf(faults, SIDE_BY_SIDE, async (fault) => {
      if (swept.findings.length >= (options.enough ?? Number.POSITIVE_INFINITY)) return;
      for (let tries = 1; tries <= TRIES; tries++) {
        const place = placeFrom(dir, operation.seed, `point-${serial++}`);
        const run = await runTraced(options.program ?? PROGRAM, operation.args(place), place, fault);
        const { counts, wrong, upstream } = options.assess(run, fault);
        if (counts) {
          const done = acknowledges(run);
          wrong.push(...(await judge(place, operation, expected, { done, told: imagesTold(run) })));
          swept.points++;
          if (done) swept.acknowledged++;
          if (upstream === true) swept.upstream++;
          if (wrong.length > 0) swept.findings.push({ operation: operation.name, fault, wrong });
        }
        fs.rmSync(place.dir, { recursive: true, force: true });
        if (counts) return;
      }
      swept.missed++;
    });
  }
  return swept;
}

async function undisturbed(dir: string, operation: Operation): Promise<{ expected: Expected; calls: Call[] }> {
  const place = placeFrom(dir, operation.seed, 'undisturbed');
  try {
    const before = await stateOf(place);
    const run = await runTraced(PROGRAM, operation.args(place), place);
    if (run.code !== 0) throw new Error(`${operation.name} fails undisturbed: ${run.stderr}`);
    return { expected: { before, after: await stateOf(place) }, calls: run.calls };
  } finally {
    fs.rmSync(place.dir, { recursive: true, force: true });
  }
}

/** A command acknowledges by printing its result. One that fails may print what of it was done. */
export function acknowledges({ stdout, code }: TracedRun): boolean {
  if (!stdout.endsWith('\n')) return false;
  JSON.parse(stdout);
  return code !== 1;
}

/** The images that a command of several images said to be there, though it failed. */
function imagesTold({ stdout, code }: TracedRun): string[] {
  if (code !== 1 || !stdout.endsWith('\n')) return [];
  const told: unknown = JSON.parse(stdout);
  const rows: { key?: string; image?: string }[] = Array.isArray(told) ? told : [];
  // Pods have neither.
  return rows.flatMap(({ key, image }) => key ?? image ?? []);
}

function spread<T>(all: readonly T[], most: number | undefined): T[] {
  if (most === undefined || all.length <= most) return [...all];
  return Array.from({ length: most }, (_none, i) => all[Math.floor((i * all.length) / most)] as T);
}

export function describeFinding({ operation, fault, wrong }: Finding): string {
  const { call, nth, effect, lasting } = fault;
  return [`${operation}, ${call} ${nth}${lasting ? '+' : ''} ${effect}:`, ...wrong.map((what) => `  ${what}`)].join(
    '\n',
  );
}
