/** Whether targets were met. Pure. */
import type { Target } from './targets.js';

export interface Verdict extends Target {
  /** How many times as fast cairn was; absent where the two were not measured. */
  reached?: number;
  /** How much longer cairn took; absent where the two were not measured. */
  longerMs?: number;
  verdict: 'met' | 'missed' | 'not measured';
}

/** As much of a scenario as a verdict needs; ratios or times may be unknown. */
interface Judged {
  scenario: string;
  contestants: readonly { name: string; ratio?: number; wallMs?: { median: number } }[];
}

/** Judges the targets of the scenarios that ran, by the times until results are durable. */
export function judge(measured: readonly Judged[], targets: readonly Target[]): Verdict[] {
  const ran = new Map(measured.map((each) => [each.scenario, each]));
  return targets
    .filter(({ scenario }) => ran.has(scenario))
    .map((target) => {
      const contestants = ran.get(target.scenario)?.contestants ?? [];
      const [own] = contestants;
      const peer = contestants.find(({ name }) => name === target.against);
      const reached = peer?.ratio;
      const [ours, theirs] = [own?.wallMs, peer?.wallMs];
      const longerMs = ours === undefined || theirs === undefined ? undefined : ours.median - theirs.median;
      return {
        ...target,
        ...(reached === undefined ? {} : { reached }),
        ...(longerMs === undefined ? {} : { longerMs }),
        verdict: verdictOf(target, reached, longerMs),
      };
    });
}

function verdictOf({ atLeast, withinMs }: Target, reached?: number, longerMs?: number): Verdict['verdict'] {
  if (atLeast !== undefined && reached === undefined) return 'not measured';
  if (withinMs !== undefined && longerMs === undefined) return 'not measured';
  const met = (reached ?? 0) >= (atLeast ?? 0) && (longerMs ?? 0) <= (withinMs ?? Number.POSITIVE_INFINITY);
  return met ? 'met' : 'missed';
}
