/** Whether targets were met. Pure. */
import type { Measure } from './contestant.js';
import { comparedIn, ratioOf } from './statistics.js';
import type { Target } from './targets.js';

export interface Verdict extends Target {
  /** How many times as much the other contestant needed; absent where the two were not measured. */
  reached?: number;
  /** How much longer cairn took; absent where the two were not measured. */
  longerMs?: number;
  /** What cairn took or needed, in milliseconds or bytes; absent where it was not measured. */
  needed?: number;
  verdict: 'met' | 'missed' | 'not measured';
}

interface Median {
  median: number;
}

/** As much of a scenario as a verdict needs; times and bytes may be unknown. */
interface Judged {
  scenario: string;
  measure: Measure;
  contestants: readonly { name: string; wallMs?: Median; cpuMs?: Median; neededBytes?: Median }[];
}

/** Judges the targets of the scenarios that ran, by the times until results are durable. */
export function judge(measured: readonly Judged[], targets: readonly Target[]): Verdict[] {
  const ran = new Map(measured.map((each) => [each.scenario, each]));
  return targets.flatMap((target) => {
    const scenario = ran.get(target.scenario);
    return scenario === undefined ? [] : [judgeIn(scenario, target)];
  });
}

function judgeIn({ contestants, measure }: Judged, target: Target): Verdict {
  const medianOf = (name: string | undefined): number | undefined => {
    const found = contestants.find((each) => each.name === name);
    return found === undefined ? undefined : comparedIn<Median>(found, measure)?.median;
  };
  const [needed, other] = [medianOf(target.of), medianOf(target.against)];
  const both = needed !== undefined && other !== undefined;
  const reached = both ? ratioOf(other, needed) : undefined;
  const longerMs = both ? needed - other : undefined;
  return {
    ...target,
    ...(reached === undefined ? {} : { reached }),
    ...(longerMs === undefined ? {} : { longerMs }),
    ...(needed === undefined ? {} : { needed }),
    verdict: verdictOf(target, { reached, longerMs, needed }),
  };
}

interface Reached {
  reached: number | undefined;
  longerMs: number | undefined;
  needed: number | undefined;
}

/** A target is met where all that it asks for was measured, and is kept. */
function verdictOf(target: Target, { reached, longerMs, needed }: Reached): Verdict['verdict'] {
  const { atLeast, atMost, withinMs, belowMs, belowBytes } = target;
  const asked: [wanted: number | undefined, found: number | undefined, isKept: (a: number, b: number) => boolean][] = [
    [atLeast, reached, (wanted, found) => found >= wanted],
    [atMost, reached, (wanted, found) => found <= wanted],
    [withinMs, longerMs, (wanted, found) => found <= wanted],
    [belowMs, needed, (wanted, found) => found < wanted],
    [belowBytes, needed, (wanted, found) => found < wanted],
  ];
  const counting = asked.filter(([wanted]) => wanted !== undefined);
  if (counting.some(([, found]) => found === undefined)) return 'not measured';
  return counting.every(([wanted, found, isKept]) => isKept(wanted as number, found as number)) ? 'met' : 'missed';
}
