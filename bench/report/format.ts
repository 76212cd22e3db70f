/** Numbers as the report for the terminal and the page show them. */
import { formatMs, formatSize } from '../../cli/units.js';
import type { Machine } from '../machine/machine.js';
import type { Measure } from '../measure/contestant.js';
import type { Measured, Timing } from '../measure/measure.js';
import { comparedIn, type Spread } from '../measure/statistics.js';
import type { Verdict } from '../measure/verdict.js';

export function showMs(ms: number): string {
  return formatMs(Math.round(ms));
}

/** A time, or the bytes that a scenario compares in its place. */
export function showMeasured(value: number, measure: Measure): string {
  return measure === 'bytes' ? formatSize(Math.round(value)) : showMs(value);
}

export function showRange({ min, max }: Spread, measure: Measure): string {
  return `${showMeasured(min, measure)}–${showMeasured(max, measure)}`;
}

export function showRatio(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${ratio.toFixed(ratio < 10 ? 2 : 1)}×`;
}

/** What a target asks for and what was reached: as a ratio, as a difference of times, or as a time or bytes. */
export function showTarget(verdict: Verdict): { wanted: string; reached: string } {
  const { atLeast, atMost, withinMs, belowMs, belowBytes, reached, longerMs, needed } = verdict;
  const shown = (value: number | undefined, show: (value: number) => string): string =>
    value === undefined ? '–' : show(value);
  if (withinMs !== undefined)
    return { wanted: `+${showMs(withinMs)}`, reached: shown(longerMs, (ms) => `+${showMs(ms)}`) };
  if (belowMs !== undefined) return { wanted: `< ${showMs(belowMs)}`, reached: shown(needed, showMs) };
  if (belowBytes !== undefined) return { wanted: `< ${formatSize(belowBytes)}`, reached: shown(needed, formatSize) };
  return {
    wanted: atMost === undefined ? showRatio(atLeast) : `≤ ${showRatio(atMost)}`,
    reached: showRatio(reached),
  };
}

/** What the scenario compares: elapsed time, processor time or bytes. */
export function measuredOf(timing: Timing, measure: Measure): Spread {
  return comparedIn<Spread>(timing, measure) ?? timing.wallMs;
}

export function showSpeed(bytes: number, ms: number): string {
  return ms > 0 ? `${formatSize((bytes / ms) * 1000)}/s` : '–';
}

export const HEADINGS = ['contestant', 'median', 'min–max', 'ratio', 'unsynced', 'ratio', 'user', 'sys'] as const;

/** One contestant's row under `HEADINGS`; a speed comes last where the bytes are known. */
export function columns(timing: Timing, { measure, bytes }: Pick<Measured, 'measure' | 'bytes'>): string[] {
  const value = measuredOf(timing, measure);
  const { unflushedMs, userMs, sysMs } = timing;
  return [
    timing.name,
    showMeasured(value.median, measure),
    showRange(value, measure),
    showRatio(timing.ratio),
    unflushedMs === undefined ? '' : showMs(unflushedMs.median),
    unflushedMs === undefined ? '' : showRatio(timing.unflushedRatio),
    userMs === undefined ? '–' : showMs(userMs.median),
    sysMs === undefined ? '–' : showMs(sysMs.median),
    ...(bytes === undefined ? [] : [showSpeed(bytes, value.median)]),
  ];
}

/** The machine as pairs of a heading and a text. */
export function machineRows(machine: Machine): [what: string, text: string][] {
  const { processor, cores, memoryBytes, system, kernel, fileSystem, versions } = machine;
  return [
    ['machine', `${processor}, ${cores} cores, ${formatSize(memoryBytes)}`],
    ['system', `${system}, Linux ${kernel}`],
    ['file system', fileSystem],
    ...Object.entries(versions),
  ];
}

/** What a scenario is about, how large its trees are, and of how many runs the medians are. */
export function describeMeasured({ what, measure, census, contestants }: Measured): string {
  const size = census === undefined ? '' : ` (${census.entries} entries, ${formatSize(census.bytes)})`;
  const runs = contestants[0]?.runs.length ?? 0;
  const kind = { wall: '', cpu: 'processor time, ', bytes: 'bytes, ' }[measure];
  return `${what}${size}; ${kind}medians of ${runs} run${runs === 1 ? '' : 's'}`;
}

/** Known deviations, contestants that do not count, and peers that were skipped. */
export function remarks({ contestants, disqualified, skipped }: Measured): string[] {
  return [
    ...contestants
      .filter(({ deviations }) => deviations.length > 0)
      .map(({ name, deviations }) => `${name}: differs, as known, in ${deviations.join(', ')}`),
    ...disqualified.map(({ name, differences }) => `does not count: ${name}: ${differences.join('; ')}`),
    ...skipped.map(({ name, why }) => `skipped: ${name}: ${why}`),
  ];
}
