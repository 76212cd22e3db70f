/** Median and range of a few runs. One disturbed run changes a mean, but hardly the median. */
import type { Measure } from './contestant.js';

export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** @throws RangeError for no values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values have no median');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** @returns `value / base`; `undefined` where the base is no time at all */
export function ratioOf(value: number, base: number): number | undefined {
  return base > 0 ? value / base : undefined;
}

/** What a scenario compares, of one contestant; unknown where its processor time is. */
export function comparedIn<T>(
  { wallMs, cpuMs, neededBytes }: { wallMs?: T; cpuMs?: T; neededBytes?: T },
  measure: Measure,
): T | undefined {
  return { wall: wallMs, cpu: cpuMs, bytes: neededBytes }[measure];
}
