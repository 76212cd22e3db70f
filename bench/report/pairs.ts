/** What a change gained: the programs that ran in two builds, each with itself. */
import { nameBefore } from '../measure/against.js';
import type { Measured } from '../measure/measure.js';
import { ratioOf, spreadOf } from '../measure/statistics.js';
import type { Spent } from '../measure/stopwatch.js';
import { measuredOf, showMeasured, showRatio } from './format.js';

export const PAIR_HEADINGS = ['in both builds', 'now', 'before', 'ratio', 'ratio by rounds'] as const;

/**
 * One row for each program, in those columns; above one the other build took longer. The ratio by rounds is the median
 * and the range of the ratios of runs that followed each other, which a drift of the machine hardly reaches.
 */
export function pairRows({ contestants, measure }: Measured): string[][] {
  return contestants.flatMap((own) => {
    const other = contestants.find(({ name }) => name === nameBefore(own.name));
    if (other === undefined) return [];
    const [now, before] = [own, other].map((each) => measuredOf(each, measure).median) as [number, number];
    const rounds = own.runs
      .map((run, i) => ratioOf(spentOf(other.runs[i], measure), spentOf(run, measure)))
      .filter((ratio) => ratio !== undefined);
    return [
      [
        own.name,
        showMeasured(now, measure),
        showMeasured(before, measure),
        showRatio(ratioOf(before, now)),
        showRounds(rounds),
      ],
    ];
  });
}

function spentOf(run: Spent | undefined, measure: Measured['measure']): number {
  if (run === undefined) return 0;
  if (measure === 'bytes') return run.bytes ?? 0;
  return measure === 'cpu' ? (run.userMs ?? 0) + (run.sysMs ?? 0) : run.wallMs;
}

function showRounds(ratios: readonly number[]): string {
  if (ratios.length === 0) return '–';
  const { median, min, max } = spreadOf(ratios);
  return `${showRatio(median)} (${showRatio(min)}–${showRatio(max)})`;
}
