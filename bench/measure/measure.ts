/**
 * Measures a scenario. Contestants run by turns, so that a machine whose speed drifts treats them alike. The first
 * round does not count: it warms the page cache, and compares the trees that contestants make. A contestant whose tree
 * differs is named in the results and not measured.
 */
import { isInstalled } from '../machine/installed.js';
import type { Contestant, Measure, Scenario, Skipped } from './contestant.js';
import { type Comparison, compareTrees } from './deviations.js';
import { type Census, censusOf, type Listing, listTree } from './listing.js';
import { run } from './process.js';
import { comparedIn, ratioOf, type Spread, spreadOf } from './statistics.js';
import { type Spent, Stopwatch } from './stopwatch.js';

export interface Measured {
  scenario: string;
  what: string;
  measure: Scenario['measure'];
  axis?: { over: string; line: string };
  /** The bytes that each run processed. */
  bytes?: number;
  /** The size of the trees; absent where a scenario makes none. */
  census?: Census;
  contestants: Timing[];
  /** Contestants that failed, or whose trees differ in ways that are not known of them. */
  disqualified: { name: string; differences: string[] }[];
  skipped: readonly Skipped[];
}

export interface Timing {
  name: string;
  x?: number;
  runs: Spent[];
  /** Elapsed time until the result is durable. */
  wallMs: Spread;
  /** Elapsed time until the flush; absent for a program that makes its results durable itself. */
  unflushedMs?: Spread;
  /** Processor time; absent where it cannot be known. */
  userMs?: Spread;
  sysMs?: Spread;
  cpuMs?: Spread;
  /** What it needed, where the scenario compares that. */
  neededBytes?: Spread;
  /** Its median divided by that of the first contestant, of what the scenario measures. */
  ratio?: number;
  unflushedRatio?: number;
  /** The known ways in which its tree differs. */
  deviations: string[];
}

/** @param dir on the file system that is measured */
export async function measure(
  scenario: Scenario,
  runs: number,
  dir: string,
  say: (text: string) => void,
): Promise<Measured> {
  say(`${scenario.name}: a round to compare the results`);
  const { census, compared } = await compareResults(scenario.contestants, dir);
  const fit = scenario.contestants.filter((each) => compared.get(each)?.differences.length === 0);
  const samples = new Map(fit.map((contestant) => [contestant, [] as Spent[]]));
  for (let round = 0; round < runs; round++) {
    say(`${scenario.name}: round ${round + 1} of ${runs}`);
    for (const contestant of turnsOf(fit, round)) samples.get(contestant)?.push(await once(contestant, dir));
  }
  const timings = [...samples].map(([contestant, spent]) =>
    timing(contestant, spent, compared.get(contestant)?.deviations ?? []),
  );
  return {
    scenario: scenario.name,
    what: scenario.what,
    measure: scenario.measure,
    ...(scenario.axis === undefined ? {} : { axis: scenario.axis }),
    ...(scenario.bytes === undefined ? {} : { bytes: scenario.bytes() }),
    ...(census === undefined ? {} : { census }),
    contestants: withRatios(timings, scenario.measure),
    disqualified: [...compared]
      .filter(([, { differences }]) => differences.length > 0)
      .map(([{ name }, { differences }]) => ({ name, differences })),
    skipped: scenario.skipped,
  };
}

/** Each round begins with another contestant. Every other round goes backwards, so that neighbours change, too. */
export function turnsOf<T>(contestants: readonly T[], round: number): T[] {
  const first = round % Math.max(contestants.length, 1);
  const turns = [...contestants.slice(first), ...contestants.slice(0, first)];
  return round % 2 === 0 ? turns : [...turns.slice(0, 1), ...turns.slice(1).reverse()];
}

/** Compares each contestant's tree with that of the first one, except along an axis, where trees differ by intent. */
async function compareResults(contestants: Scenario['contestants'], dir: string) {
  const compared = new Map<Contestant, Comparison>();
  let expected: Listing | undefined;
  for (const contestant of contestants) {
    let found: Listing | undefined;
    try {
      await once(contestant, dir, (tree) => {
        if (contestant.x === undefined) found = listTree(tree);
      });
    } catch (error) {
      // Without cairn there is nothing to compare with. A peer that fails is named in the results.
      if (contestant === contestants[0] || contestant.x !== undefined) throw error;
      await contestant.clear?.();
      compared.set(contestant, { deviations: [], differences: [`failed: ${(error as Error).message.trim()}`] });
      continue;
    }
    if (contestant === contestants[0]) expected = found;
    compared.set(contestant, compareFound(expected, found, contestant));
  }
  return { compared, census: expected === undefined ? undefined : censusOf(expected) };
}

function compareFound(
  expected: Listing | undefined,
  found: Listing | undefined,
  { deviations, treeless }: Contestant,
): Comparison {
  if (expected === undefined || treeless === true) return { deviations: [], differences: [] };
  if (found === undefined) return { deviations: [], differences: ['it made no tree'] };
  return compareTrees(expected, found, deviations);
}

async function once(contestant: Contestant, dir: string, inspect?: (tree: string) => void): Promise<Spent> {
  await contestant.prepare?.();
  await waitUntilQuiet(dir);
  const stopwatch = new Stopwatch();
  try {
    const tree = await contestant.run(stopwatch);
    if (tree !== undefined) inspect?.(tree);
  } catch (cause) {
    throw new Error(`${contestant.name}: ${(cause as Error).message}`, { cause });
  }
  await contestant.clear?.();
  return stopwatch.spent;
}

/** Flushes the file system, so that no run waits for what an earlier one wrote. */
async function waitUntilQuiet(dir: string): Promise<void> {
  if (isInstalled('sync')) await run(['sync', '-f', dir]);
}

function timing({ name, x }: Contestant, runs: Spent[], deviations: string[]): Timing {
  const user = runs.map(({ userMs }) => userMs).filter((value) => value !== undefined);
  const sys = runs.map(({ sysMs }) => sysMs).filter((value) => value !== undefined);
  const bytes = runs.map((run) => run.bytes).filter((value) => value !== undefined);
  const known = user.length === runs.length && sys.length === runs.length;
  return {
    name,
    ...(x === undefined ? {} : { x }),
    runs,
    wallMs: spreadOf(runs.map(({ wallMs }) => wallMs)),
    ...(runs.some(({ flushMs }) => flushMs > 0)
      ? { unflushedMs: spreadOf(runs.map(({ wallMs, flushMs }) => wallMs - flushMs)) }
      : {}),
    ...(known
      ? {
          userMs: spreadOf(user),
          sysMs: spreadOf(sys),
          cpuMs: spreadOf(user.map((value, i) => value + (sys[i] as number))),
        }
      : {}),
    ...(bytes.length === runs.length ? { neededBytes: spreadOf(bytes) } : {}),
    deviations,
  };
}

/** Adds the ratios of what the scenario measures; there are none where processor times are wanted and unknown. */
export function withRatios(timings: readonly Timing[], measure: Measure): Timing[] {
  const of = (timing: Timing): number | undefined => comparedIn<Spread>(timing, measure)?.median;
  const base = timings[0] === undefined ? undefined : of(timings[0]);
  return timings.map((each) => {
    const own = of(each);
    const ratio = own === undefined || base === undefined ? undefined : ratioOf(own, base);
    const unflushed =
      measure === 'wall' && each.unflushedMs !== undefined && base !== undefined
        ? ratioOf(each.unflushedMs.median, base)
        : undefined;
    return {
      ...each,
      ...(ratio === undefined ? {} : { ratio }),
      ...(unflushed === undefined ? {} : { unflushedRatio: unflushed }),
    };
  });
}
