/**
 * Contestants run alternately, each round beginning with another one, so that a disk or a machine whose speed drifts
 * treats them alike. A round that does not count comes first: it warms the page cache and shows that all of them make
 * the same tree.
 */
import { type Census, censusOf } from './census.js';
import type { Contestant, Scenario, Skipped } from './contestant.js';
import { isInstalled, run, Stopwatch } from './process.js';

export interface Measured {
  scenario: string;
  what: string;
  /** Of the trees; absent where a scenario makes none. */
  census?: Census;
  contestants: Timing[];
  skipped: readonly Skipped[];
}

export interface Timing {
  name: string;
  timesMs: number[];
  medianMs: number;
  minMs: number;
  maxMs: number;
  /** Its median over that of the first contestant. */
  ratio: number;
}

/** @param dir on the file system that is measured */
export async function measure(
  scenario: Scenario,
  runs: number,
  dir: string,
  say: (text: string) => void,
): Promise<Measured> {
  const { contestants } = scenario;
  say(`${scenario.name}: a round to compare the results`);
  const census = await compareResults(contestants, dir);
  const times = new Map(contestants.map((contestant) => [contestant, [] as number[]]));
  for (let round = 0; round < runs; round++) {
    say(`${scenario.name}: round ${round + 1} of ${runs}`);
    for (let i = 0; i < contestants.length; i++) {
      const contestant = contestants[(round + i) % contestants.length] as Contestant;
      times.get(contestant)?.push(await once(contestant, dir));
    }
  }
  const base = median(times.get(contestants[0]) as number[]);
  return {
    scenario: scenario.name,
    what: scenario.what,
    ...(census === undefined ? {} : { census }),
    contestants: [...times].map(([{ name }, timesMs]) => timing(name, timesMs, base)),
    skipped: scenario.skipped,
  };
}

/** @throws Error where a tree differs from that of the first contestant */
async function compareResults(contestants: Scenario['contestants'], dir: string): Promise<Census | undefined> {
  let expected: Census | undefined;
  for (const contestant of contestants) {
    let found: Census | undefined;
    await once(contestant, dir, (tree) => {
      found = censusOf(tree);
    });
    if (contestant === contestants[0]) expected = found;
    else if (found?.entries !== expected?.entries || found?.bytes !== expected?.bytes) {
      throw new Error(`${contestants[0].name} made ${tell(expected)}, ${contestant.name} made ${tell(found)}`);
    }
  }
  return expected;
}

function tell(census: Census | undefined): string {
  return census === undefined ? 'no tree' : `${census.entries} entries with ${census.bytes} bytes`;
}

/** @returns milliseconds */
async function once(contestant: Contestant, dir: string, inspect?: (tree: string) => void): Promise<number> {
  await contestant.prepare?.();
  await settle(dir);
  const stopwatch = new Stopwatch();
  const tree = await contestant.run(stopwatch);
  if (tree !== undefined) inspect?.(tree);
  await contestant.clear?.();
  return stopwatch.elapsedMs;
}

/** What an earlier run left to be written must not be charged to the next. */
async function settle(dir: string): Promise<void> {
  if (isInstalled('sync')) await run(['sync', '-f', dir]);
}

function timing(name: string, timesMs: number[], base: number): Timing {
  const medianMs = median(timesMs);
  return {
    name,
    timesMs,
    medianMs,
    minMs: Math.min(...timesMs),
    maxMs: Math.max(...timesMs),
    ratio: medianMs / base,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
