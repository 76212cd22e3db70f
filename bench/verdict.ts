/** Targets held against what was measured. Pure. */
import type { Measured } from './measure.js';
import type { Target } from './targets.js';

export interface Verdict extends Target {
  /** How many times as fast cairn was; absent where the two were not measured. */
  reached?: number;
  verdict: 'met' | 'missed' | 'not measured';
}

/** Of the scenarios that ran. The ratio that counts is that of durable results. */
export function judge(measured: readonly Measured[], targets: readonly Target[]): Verdict[] {
  const ran = new Map(measured.map((each) => [each.scenario, each]));
  return targets
    .filter(({ scenario }) => ran.has(scenario))
    .map((target) => {
      const reached = ran.get(target.scenario)?.contestants.find(({ name }) => name === target.against)?.ratio;
      if (reached === undefined) return { ...target, verdict: 'not measured' };
      return { ...target, reached, verdict: reached >= target.atLeast ? 'met' : 'missed' };
    });
}
