/** The kept results and the targets as the tables of `docs/performance.md`. Pure. */
import { formatSize } from '../../cli/units.js';
import type { Measure } from '../measure/contestant.js';
import { comparedIn } from '../measure/statistics.js';
import { TARGETS } from '../measure/targets.js';
import { judge, type Verdict } from '../measure/verdict.js';
import { showMeasured, showMs, showRange, showRatio, showTarget } from './format.js';
import type { KeptRun, KeptScenario, KeptSpread, KeptTiming } from './kept.js';

/** What stands between two such comments of a page is made here. */
const BLOCK = /(<!-- results( of limits)?:[^>]*-->)[\s\S]*?(<!-- \/results -->)/g;

const TARGETS_BLOCK = /(<!-- targets:[^>]*-->)[\s\S]*?(<!-- \/targets -->)/;

/** @returns the page with its tables made anew @throws Error for a page that has no place for them */
export function withTables(page: string, kept: readonly KeptRun[]): string {
  if (page.search(BLOCK) < 0) throw new Error('no line <!-- results: … --> in the page');
  const targets = targetsTable(kept.flatMap(({ scenarios }) => scenarios));
  const withTargets = page.replace(TARGETS_BLOCK, (_all, open: string, close: string) =>
    [open, targets, close].join('\n\n'),
  );
  return withTargets.replace(BLOCK, (_all, open: string, limits: string | undefined, close: string) => {
    const wanted = ({ scenario }: KeptScenario) => scenario.startsWith('limit-') === (limits !== undefined);
    const runs = kept.map((run) => ({ ...run, scenarios: run.scenarios.filter(wanted) }));
    const shown = runs.filter(({ scenarios }) => scenarios.length > 0);
    return [open, ...shown.map((run, i) => runText(run, shown[i - 1])), close].join('\n\n');
  });
}

/** One run: what it ran on, then its scenarios. @param above the run before it */
function runText(run: KeptRun, above: KeptRun | undefined): string {
  const compared = run.scenarios.filter(({ axis }) => axis === undefined);
  const alongAxes = run.scenarios.filter(({ axis }) => axis !== undefined);
  const axes = [...new Set(alongAxes.map(({ axis }) => axis?.over as string))];
  return [
    captionOf(run, above !== undefined && factsOf(above) === factsOf(run)),
    ...(compared.length === 0 ? [] : [comparedTable(compared)]),
    ...axes.map((over) => axisTable(over, alongAxes)),
  ].join('\n\n');
}

function captionOf(run: KeptRun, asAbove: boolean): string {
  const facts = asAbove ? 'Machine and corpus as above' : factsOf(run);
  const sentences = [`**${run.date.slice(0, 10)}**, medians of ${run.runs} runs`, facts, run.note ?? ''];
  return sentences
    .filter((each) => each !== '')
    .map((each) => `${each}.`)
    .join(' ');
}

function factsOf({ machine, corpus }: KeptRun): string {
  const { processor, cores, memoryBytes, system, kernel, fileSystem, versions = {} } = machine;
  return [
    processor,
    cores === undefined ? undefined : `${cores} cores`,
    memoryBytes === undefined ? undefined : formatSize(memoryBytes),
    system,
    kernel === undefined ? undefined : `Linux ${kernel}`,
    fileSystem,
    ...Object.entries(versions).map(([name, version]) => (version.includes(name) ? version : `${name} ${version}`)),
    typeof corpus === 'string' ? `corpus: ${corpus}` : undefined,
  ]
    .filter((fact) => fact !== undefined)
    .join('; ');
}

function comparedTable(scenarios: readonly KeptScenario[]): string {
  const timings = scenarios.flatMap(({ contestants, measure }) => (measure === 'wall' ? contestants : []));
  const processor = timings.some(({ cpuMs }) => cpuMs !== undefined);
  const headings = ['scenario', 'contestant', 'median', 'min–max', 'ratio'];
  const rows = scenarios.flatMap(({ scenario, measure, contestants }) =>
    contestants.map((each, i) => {
      const first = i === 0 ? `\`${scenario}\`${{ wall: '', cpu: ', processor time', bytes: ', bytes' }[measure]}` : '';
      const cells = [first, ...timingCells(each, measure)];
      return processor ? [...cells, each.cpuMs === undefined ? '' : showMs(each.cpuMs.median)] : cells;
    }),
  );
  return markdownTable(processor ? [...headings, 'processor time'] : headings, rows);
}

function timingCells(timing: KeptTiming, measure: Measure): string[] {
  const spread = comparedIn<KeptSpread>(timing, measure);
  const median = spread === undefined ? '' : showMeasured(spread.median, measure);
  return [timing.name, median, showKnownRange(spread, measure), ratioCell(timing.ratio)];
}

function ratioCell(ratio: number | undefined): string {
  return ratio === undefined ? '' : showRatio(ratio);
}

/** A row for each target, whether or not its scenario was ever measured. */
function targetsTable(scenarios: readonly KeptScenario[]): string {
  const rows = TARGETS.map((target) => {
    const [verdict = { ...target, verdict: 'not measured' } satisfies Verdict] = judge(scenarios, [target]);
    const { wanted, reached } = showTarget(verdict);
    const { scenario, of, against = '' } = target;
    const found = verdict.verdict === 'not measured' ? ['', 'not measured yet'] : [reached, verdict.verdict];
    return [`\`${scenario}\``, of, against, wanted, ...found];
  });
  return markdownTable(['scenario', 'contestant', 'against', 'wanted', 'reached', 'verdict'], rows);
}

function showKnownRange(spread: KeptSpread | undefined, measure: Measure): string {
  const { median = 0, min, max } = spread ?? {};
  return min === undefined || max === undefined ? '' : showRange({ median, min, max }, measure);
}

/** One row for each place on the axis, one column for each scenario that has the axis. */
function axisTable(over: string, scenarios: readonly KeptScenario[]): string {
  const lines = scenarios.filter(({ axis }) => axis?.over === over);
  const places = [...new Set(lines.flatMap(({ contestants }) => contestants.map(({ x }) => x)))];
  const rows = places.map((place) => [
    `${place}`,
    ...lines.map(({ contestants }) => {
      const spread = contestants.find(({ x }) => x === place)?.wallMs;
      const range = showKnownRange(spread, 'wall');
      return spread === undefined ? '' : `${showMs(spread.median)}${range === '' ? '' : ` (${range})`}`;
    }),
  ]);
  return markdownTable([over, ...lines.map(({ axis }) => axis?.line as string)], rows);
}

function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = headings.map((_heading, i) => Math.max(...all.map((row) => (row[i] as string).length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] as number)).join(' | ')} |`;
  const [head = [], ...body] = all;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
