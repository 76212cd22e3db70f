/** The reports of the benchmarks: everything that was measured is in them, and nothing in them is taken for markup. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measured } from '../../bench/measure/measure.js';
import { spreadOf } from '../../bench/measure/statistics.js';
import { judge } from '../../bench/measure/verdict.js';
import { reportHtml } from '../../bench/report/html.js';
import { pairRows } from '../../bench/report/pairs.js';
import { barChart, escapeXml, lineChart } from '../../bench/report/svg.js';
import { scenarioText, targetsText } from '../../bench/report/text.js';
import { measured, results, timing } from '../fixtures/measured.js';

const WARM = measured('warm', [timing('cairn render', [100, 120, 110]), timing('tar <xf> & "sync"', [300], 100)], {
  census: { entries: 12, bytes: 3400 },
  bytes: 220_000,
  disqualified: [{ name: 'wrong', differences: ['<script>alert(1)</script>: missing'] }],
  skipped: [{ name: 'absent', why: 'pigz not installed' }],
});
const AXIS: Measured[] = (['cold', 'warm'] as const).map((line) =>
  measured(`scaling: workers, ${line}`, [timing('1', [400], undefined, 1), timing('2', [250], undefined, 2)], {
    axis: { over: 'workers', line },
  }),
);
const TARGETS = [
  { scenario: 'warm', of: 'cairn render', against: 'tar <xf> & "sync"', atLeast: 2 },
  { scenario: 'warm', of: 'cairn render', against: 'tar <xf> & "sync"', atLeast: 20 },
  { scenario: 'warm', of: 'cairn render', belowMs: 120 },
];
const HTML = reportHtml(results([WARM, ...AXIS], { targets: judge([WARM], TARGETS) }));

test('the page has every scenario, contestant, remark and target', () => {
  for (const text of [
    '<h2>warm</h2>',
    '<h2>Scaling over workers</h2>',
    '<h2>Where the time goes</h2>',
    'cairn render',
    '110 ms',
    '100 ms–120 ms',
    '2.73×',
    'pigz not installed',
    'does not count: wrong',
    '2.0 MB/s',
    'class="met"',
    'class="missed"',
    'Some System 1',
    'direct I/O',
    '2025-01-01T00:00:00.000Z',
    'medians of 3',
  ])
    assert.ok(HTML.includes(text), text);
});

test('what was measured cannot become markup', () => {
  assert.ok(HTML.includes('tar &lt;xf&gt; &amp; &quot;sync&quot;'));
  assert.ok(HTML.includes('&lt;script&gt;alert(1)&lt;/script&gt;'));
  assert.doesNotMatch(HTML, /<script|<xf>|<Processor>/);
  assert.equal(escapeXml(`<a b="c" d='e'>&`), '&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;');
});

test('the page asks for nothing: no script, no link, no address but that of the SVG name space', () => {
  const addresses = [...HTML.matchAll(/[a-z]+:\/\/[^"' )]+/g)].map(([address]) => address);
  assert.deepEqual([...new Set(addresses)], ['http://www.w3.org/2000/svg']);
  assert.doesNotMatch(HTML, /<script|<link|<img|<iframe|@import|url\(|\bsrc=/);
});

test('the page knows a light and a dark scheme, and every chart has a name', () => {
  assert.match(HTML, /color-scheme: light dark/);
  assert.match(HTML, /prefers-color-scheme: dark/);
  const charts = HTML.match(/<svg [^>]*>/g) ?? [];
  assert.equal(charts.length, 3);
  for (const chart of charts) assert.match(chart, /role="img" aria-label="[^"]+"/);
  assert.equal(HTML.match(/<svg [^>]*><title>[^<]+<\/title>/g)?.length, charts.length);
});

/** Every element that is opened is closed, in order. */
function assertWellFormed(markup: string): void {
  const open: string[] = [];
  for (const [, close, name, empty] of markup.matchAll(/<(\/?)([a-zA-Z0-9]+)[^>]*?(\/?)>/g)) {
    if (close === '/') assert.equal(open.pop(), name);
    else if (empty !== '/' && name !== 'meta') open.push(name as string);
  }
  assert.deepEqual(open, []);
}

test('the page is well-formed', () => assertWellFormed(HTML.replace('<!doctype html>', '')));

test('bars are as long as their medians, whiskers as their extremes', () => {
  const bar = (label: string, values: number[]) => ({ label, text: '', spread: spreadOf(values), own: false });
  const chart = barChart('times', [bar('a', [100, 200, 400]), bar('b', [100])]);
  assertWellFormed(chart);
  const widths = [...chart.matchAll(/<rect [^>]*width="([0-9.]+)"/g)].map(([, width]) => Number(width));
  assert.equal(widths.length, 2);
  assert.ok(Math.abs((widths[0] as number) / (widths[1] as number) - 2) < 0.01, widths.join());
  const [, from, to] = /class="whisker" d="M([0-9.]+) \d+H([0-9.]+)/.exec(chart) ?? [];
  assert.ok(Math.abs((Number(to) - 250) / (Number(from) - 250) - 4) < 0.01, `${from} ${to}`);
});

test('charts of one point, or of no time at all, have no coordinates that are not numbers', () => {
  const point = { x: 1, spread: spreadOf([0]) };
  for (const chart of [
    lineChart('l', 'x', [{ name: 'n', points: [point] }], String),
    barChart('b', [{ label: 'a', text: '0', spread: spreadOf([0]), own: true }]),
  ]) {
    assertWellFormed(chart);
    assert.doesNotMatch(chart, /NaN|Infinity/);
  }
});

test('a page of nothing measured is a page', () => {
  const page = reportHtml(results([]));
  assertWellFormed(page.replace('<!doctype html>', ''));
  assert.match(page, /Some System 1/);
});

test('the table has medians, ranges, ratios with and without sync, and the remarks', () => {
  const text = scenarioText(WARM);
  assert.match(text, /^warm: what warm is \(12 entries, 3\.4 KB\); medians of 3 runs$/m);
  assert.match(text, /^cairn render +110 ms +100 ms–120 ms +1\.00× +55 ms +28 ms +2\.0 MB\/s$/m);
  assert.match(text, /^tar .* +300 ms +300 ms–300 ms +2\.73× +200 ms +1\.82× +150 ms +75 ms/m);
  assert.match(text, /^skipped: absent: pigz not installed$/m);
  assert.match(text, /^does not count: wrong: /m);
});

test('two builds of a program are compared by their medians, and round by round', () => {
  const runs = [timing('cairn a', [100, 200, 100]), timing('cairn a (before)', [150, 220, 300]), timing('tar', [100])];
  const both = measured('warm', runs);
  const row = ['cairn a', '100 ms', '220 ms', '2.20×', '1.50× (1.10×–3.00×)'];
  assert.deepEqual(pairRows(both), [row]);
  assert.match(scenarioText(both), /^IN BOTH BUILDS .*\ncairn a +100 ms +220 ms +2\.20×/m);
  assert.ok(reportHtml(results([both])).includes('<td>1.50× (1.10×–3.00×)</td>'));
  assert.deepEqual(pairRows(measured('warm', runs, { measure: 'cpu' }))[0]?.slice(1, 3), ['75 ms', '165 ms']);
  assert.deepEqual(pairRows(WARM), []);
});

test('bytes are shown as bytes, where they are what is compared', () => {
  const needing = (name: string, bytes: number) => ({
    ...timing(name, [100]),
    neededBytes: spreadOf([bytes]),
  });
  const store = measured('rebuilds', [needing('cairn, one', 2e6), needing('cairn, ten', 3e6)], { measure: 'bytes' });
  assert.match(scenarioText(store), /^cairn, ten +3\.0 MB +3\.0 MB–3\.0 MB +1\.50×/m);
  const targets = [
    { scenario: 'rebuilds', of: 'cairn, one', against: 'cairn, ten', atMost: 1.1 },
    { scenario: 'rebuilds', of: 'cairn, one', belowBytes: 2.5e6 },
  ];
  const text = targetsText(judge([store], targets));
  assert.match(text, /^rebuilds +cairn, one +cairn, ten +≤ 1\.10× +1\.50× +missed$/m);
  assert.match(text, /^rebuilds +cairn, one +< 2\.5 MB +2\.0 MB +met$/m);
});

test('targets say what was reached', () => {
  const text = targetsText(judge([WARM], TARGETS));
  assert.match(text, /2\.00× +2\.73× +met$/m);
  assert.match(text, /20\.0× +2\.73× +missed$/m);
  assert.match(text, /^warm +cairn render +< 120 ms +110 ms +met$/m);
  assert.equal(targetsText([]), '');
});
