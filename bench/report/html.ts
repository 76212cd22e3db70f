/** The results as one page that loads nothing: no script, no font, no image. */
import type { Measured } from '../measure/measure.js';
import type { Results } from '../measure/results.js';
import type { Verdict } from '../measure/verdict.js';
import {
  columns,
  describeMeasured,
  HEADINGS,
  machineRows,
  measuredOf,
  remarks,
  showMeasured,
  showMs,
  showRange,
  showTarget,
} from './format.js';
import { PAGE_STYLE } from './page-style.js';
import { PAIR_HEADINGS, pairRows } from './pairs.js';
import { barChart, escapeXml, type Line, lineChart, stackChart } from './svg.js';

export function reportHtml(results: Results): string {
  const { date, machine, corpus, runs, scenarios, targets } = results;
  const compared = scenarios.filter(({ axis }) => axis === undefined);
  const facts: [string, string][] = [
    ['date', date],
    ['runs', `medians of ${runs}, contestants by turns`],
    ['corpus', corpus ?? 'the npm packages installed here'],
    ...machineRows(machine),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>cairn: benchmarks</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>cairn: benchmarks</h1>
<p class="soft">Whole processes, durable at return. Ratios are against cairn, above one where the other takes longer;
“unsynced” is a peer before the sync that makes its result durable. Bars end at the median, whiskers at the extremes.</p>
${dataTable([], facts, 'facts')}
${targetsSection(targets)}
${compared.map(scenarioSection).join('\n')}
${scalingSection(scenarios.filter(({ axis }) => axis !== undefined))}
${timeSection(compared)}
</body>
</html>
`;
}

function scenarioSection(measured: Measured): string {
  const { scenario, measure, bytes, contestants } = measured;
  const headings = [...HEADINGS, ...(bytes === undefined ? [] : ['speed'])];
  const pairs = pairRows(measured);
  const bars = contestants.map((each, i) => {
    const spread = measuredOf(each, measure);
    return { label: each.name, text: showMeasured(spread.median, measure), spread, own: i === 0 };
  });
  return section(
    scenario,
    describeMeasured(measured),
    barChart(`${scenario}: medians and ranges of ${contestants.length} contestants`, bars) +
      dataTable(
        headings,
        contestants.map((each) => columns(each, measured)),
      ) +
      (pairs.length === 0 ? '' : dataTable(PAIR_HEADINGS, pairs)) +
      list(remarks(measured)),
  );
}

/** One chart for each axis, with a line for each scenario that has the axis. */
function scalingSection(scenarios: readonly Measured[]): string {
  return [...new Set(scenarios.map(({ axis }) => axis?.over as string))]
    .map((over) => {
      const measured = scenarios.filter(({ axis }) => axis?.over === over);
      const lines: Line[] = measured.map(({ axis, contestants }) => ({
        name: axis?.line as string,
        points: contestants.map(({ x, wallMs }) => ({ x: x as number, spread: wallMs })),
      }));
      const rows = measured.flatMap(({ axis, contestants }) =>
        contestants.map(({ name, wallMs }) => [
          axis?.line as string,
          name,
          showMs(wallMs.median),
          showRange(wallMs, 'wall'),
        ]),
      );
      return section(
        `Scaling over ${over}`,
        measured.map(describeMeasured).join('; '),
        lineChart(`Time over ${over}`, over, lines, showMs) + dataTable(['line', over, 'median', 'min–max'], rows),
      );
    })
    .join('\n');
}

/** Processor time of cairn in each scenario, beside the elapsed time. */
function timeSection(scenarios: readonly Measured[]): string {
  const stacks = scenarios.flatMap(({ scenario, measure, contestants: [own] }) => {
    if (measure === 'bytes' || own?.userMs === undefined || own.sysMs === undefined) return [];
    const { userMs, sysMs, wallMs } = own;
    const [user, sys, wall] = [userMs.median, sysMs.median, wallMs.median];
    const text = `${showMs(user)} user, ${showMs(sys)} sys, ${showMs(wall)} wall`;
    return [
      {
        label: scenario,
        parts: [
          { name: `user ${showMs(user)}`, value: user },
          { name: `system ${showMs(sys)}`, value: sys },
        ],
        mark: wall,
        text: `${wall > 0 ? ((user + sys) / wall).toFixed(2) : '–'} cores`,
        row: [scenario, ...text.split(', ').map((each) => each.replace(/ [a-z]+$/, ''))],
      },
    ];
  });
  if (stacks.length === 0) return '';
  return section(
    'Where the time goes',
    'Processor time of cairn, all threads: user, then system. The mark is the time that went by.',
    stackChart('Processor time of cairn by scenario', stacks) +
      dataTable(
        ['scenario', 'user', 'system', 'elapsed'],
        stacks.map(({ row }) => row),
      ),
  );
}

function targetsSection(targets: readonly Verdict[]): string {
  if (targets.length === 0) return '';
  const rows = targets.map((target) => {
    const { wanted, reached } = showTarget(target);
    const { scenario, of, against = '', verdict } = target;
    return `<tr>${cells([scenario, of, against, wanted, reached])}<td class="${verdict}">${verdict}</td></tr>`;
  });
  const head = row(['scenario', 'contestant', 'against', 'wanted', 'reached', 'verdict'], 'th');
  return section(
    'Targets',
    'How many times as much another one is meant to need, how much longer cairn may take, or what it may take, and what it reached.',
    `<div class="scroll"><table>${head}${rows.join('')}</table></div>`,
  );
}

function section(title: string, text: string, content: string): string {
  return `<section>\n<h2>${escapeXml(title)}</h2>\n<p class="soft">${escapeXml(text)}</p>\n${content}\n</section>`;
}

function dataTable(headings: readonly string[], rows: readonly (readonly string[])[], kind = ''): string {
  const head = headings.length === 0 ? '' : row(headings, 'th');
  return `<div class="scroll"><table class="${kind}">${head}${rows.map((each) => row(each, 'td')).join('')}</table></div>`;
}

function row(texts: readonly string[], tag: 'td' | 'th'): string {
  return `<tr>${cells(texts, tag)}</tr>`;
}

function cells(texts: readonly string[], tag = 'td'): string {
  return texts.map((text) => `<${tag}>${escapeXml(text)}</${tag}>`).join('');
}

function list(lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return `<ul class="remarks">${lines.map((line) => `<li>${escapeXml(line)}</li>`).join('')}</ul>`;
}
