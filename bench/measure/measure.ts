/**
 * Contestants run alternately, each round beginning with another one, so that a disk or a machine whose speed drifts
 * treats them alike. A round that does not count comes first: it warms the page cache and shows that all of them make
 * the same tree. One that does not is told of, and measured no further.
 */
import { isInstalled } from '../machine/installed.js';
import type { Contestant, Scenario, Skipped } from './contestant.js';
import { type Comparison, compareTrees } from './deviations.js';
import { type Census, censusOf, type Listing, listTree } from './listing.js';
import { run } from './process.js';
import { ratioOf, type Spread, spreadOf } from './statistics.js';
import { type Spent, Stopwatch } from './stopwatch.js';

export interface Measured {
  scenario: string;
  what: string;
  measure: Scenario['measure'];
  axis?: { over: string; line: string };
  /** Bytes that each run went through. */
  bytes?: number;
  /** Of the trees; absent where a scenario makes none. */
  census?: Census;
  contestants: Timing[];
  /** Whose trees differ in ways that are not known of them. */
  disqualified: { name: string; differences: string[] }[];
  skipped: readonly Skipped[];
}

export interface Timing {
  name: string;
  x?: number;
  runs: Spent[];
  /** Elapsed, durable at the end. */
  wallMs: Spread;
  /** Elapsed until the flush began; absent for a program that makes its results durable itself. */
  unflushedMs?: Spread;
  /** Processor time, user and system; absent where it cannot be told. */
  userMs?: Spread;
  sysMs?: Spread;
  cpuMs?: Spread;
  /** Its median over that of the first contestant, of what the scenario measures. */
  ratio?: number;
  unflushedRatio?: number;
  /** In what its tree differs, as known of it. */
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

/** Each round begins with another contestant, and every other round goes backwards: nobody always follows the same one. */
export function turnsOf<T>(contestants: readonly T[], round: number): T[] {
  const first = round % Math.max(contestants.length, 1);
  const turns = [...contestants.slice(first), ...contestants.slice(0, first)];
  return round % 2 === 0 ? turns : [...turns.slice(0, 1), ...turns.slice(1).reverse()];
}

/** The trees of an axis are meant to differ; all others are held against the first. */
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
      // Without cairn there is nothing to compare with; a peer that fails is told of.
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
  { deviations }: Contestant,
): Comparison {
  if (expected === undefined) return { deviations: [], differences: [] };
  if (found === undefined) return { deviations: [], differences: ['it made no tree'] };
  return compareTrees(expected, found, deviations);
}

async function once(contestant: Contestant, dir: string, inspect?: (tree: string) => void): Promise<Spent> {
  await contestant.prepare?.();
  await settle(dir);
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

/** What an earlier run left to be written must not be charged to the next. */
async function settle(dir: string): Promise<void> {
  if (isInstalled('sync')) await run(['sync', '-f', dir]);
}

function timing({ name, x }: Contestant, runs: Spent[], deviations: string[]): Timing {
  const user = runs.map(({ userMs }) => userMs).filter((value) => value !== undefined);
  const sys = runs.map(({ sysMs }) => sysMs).filter((value) => value !== undefined);
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
    deviations,
  };
}

/** Of what the scenario measures; without processor times there are no ratios of them. */
export function withRatios(timings: readonly Timing[], measure: Scenario['measure']): Timing[] {
  const of = ({ wallMs, cpuMs }: Timing): number | undefined => (measure === 'wall' ? wallMs : cpuMs)?.median;
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
