/** Whether targets were met. Pure. */
import type { Measured } from './measure.js';
import type { Target } from './targets.js';

export interface Verdict extends Target {
  /** How many times as fast cairn was; absent where the two were not measured. */
  reached?: number;
  /** How much longer cairn took; absent where the two were not measured. */
  longerMs?: number;
  verdict: 'met' | 'missed' | 'not measured';
}

/** Judges the targets of the scenarios that ran, by the times until results are durable. */
export function judge(measured: readonly Measured[], targets: readonly Target[]): Verdict[] {
  const ran = new Map(measured.map((each) => [each.scenario, each]));
  return targets
    .filter(({ scenario }) => ran.has(scenario))
    .map((target) => {
      const contestants = ran.get(target.scenario)?.contestants ?? [];
      const [own] = contestants;
      const peer = contestants.find(({ name }) => name === target.against);
      if (own === undefined || peer?.ratio === undefined) return { ...target, verdict: 'not measured' };
      const { ratio: reached } = peer;
      const longerMs = own.wallMs.median - peer.wallMs.median;
      const met = reached >= (target.atLeast ?? 0) && longerMs <= (target.withinMs ?? Number.POSITIVE_INFINITY);
      return { ...target, reached, longerMs, verdict: met ? 'met' : 'missed' };
    });
}
