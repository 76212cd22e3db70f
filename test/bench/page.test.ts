/** `docs/performance.md`: its tables are what the kept results say, and a run takes the place of older ones. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SMALL } from '../../bench/inputs/sizes.js';
import { THIS_BUILD } from '../../bench/measure/cairn.js';
import { isOwn } from '../../bench/measure/layouts.js';
import { TARGETS } from '../../bench/measure/targets.js';
import { type KeptRun, keep, readableJson } from '../../bench/report/kept.js';
import { withTables } from '../../bench/report/markdown.js';
import { LIMITS, SCENARIOS } from '../../bench/scenarios/all.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { measured, results, timing } from '../fixtures/measured.js';
import { NAMELESS_CORPUS } from '../fixtures/nameless-corpus.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string): string => fs.readFileSync(join(ROOT, file), 'utf8');

const KEPT = JSON.parse(read('bench/results.json')) as KeptRun[];

const PLACES = `# Page

<!-- targets: made from a file -->
<!-- /targets -->

<!-- results: made from a file -->
old
<!-- /results -->

text

<!-- results of limits: made from a file -->
<!-- /results -->
`;

test('the tables of docs/performance.md are made from bench/results.json', () => {
  const page = read('docs/performance.md');
  assert.equal(withTables(page, KEPT), page, 'run: npm run build && node dist/bench/report/keep.js');
  assert.equal(`${readableJson(KEPT)}\n`, read('bench/results.json'));
});

test('every kept scenario is one that the bench has, once, and so is every contestant', (t) => {
  const dir = temporaryDirectory(t);
  const ground = { corpus: NAMELESS_CORPUS, sizes: SMALL, dir, build: THIS_BUILD };
  const known = Object.values({ ...SCENARIOS, ...LIMITS }).flatMap((make) => make(ground));
  const kept = KEPT.flatMap(({ scenarios }) => scenarios);
  assert.equal(new Set(kept.map(({ scenario }) => scenario)).size, kept.length);
  for (const { scenario, axis, contestants } of kept) {
    const own = known.find(({ name }) => name === scenario);
    assert.ok(own, scenario);
    if (axis !== undefined) continue;
    const names = [...own.contestants, ...own.skipped].map(({ name }) => name);
    for (const { name } of contestants) assert.ok(names.includes(name), `${scenario}: ${name}`);
    assert.ok(isOwn(contestants[0] as { name: string }), 'the first one is what the others are compared with');
  }
});

test('the page has a row for every target, also for what was never measured', () => {
  const page = read('docs/performance.md');
  const rows = page.slice(page.indexOf('<!-- targets:'), page.indexOf('<!-- /targets -->')).split('\n');
  for (const { scenario, of, against = '' } of TARGETS) {
    const cells = [`\`${scenario}\``, of, against.replaceAll('|', '\\|')];
    const row = rows.find((line) => cells.every((cell, i) => line.split(/(?<!\\)\|/)[i + 1]?.trim() === cell));
    assert.match(row ?? '', /\| (?:met|missed|not measured yet) +\|$/, cells.join(' '));
  }
});

test('a run takes the place of older runs, scenario by scenario, without its single times and its other build', () => {
  const spread = { median: 1, min: 1, max: 1 };
  const old = (scenario: string) => ({
    scenario,
    measure: 'wall' as const,
    contestants: [{ name: 'a', wallMs: spread }],
  });
  const kept: KeptRun[] = [
    { date: '2024-01-01', machine: {}, runs: 5, scenarios: [old('warm'), old('cold')] },
    { date: '2024-02-02', machine: {}, runs: 5, scenarios: [old('oci')] },
  ];
  const timings = [timing('cairn a', [100.4]), timing('cairn a (before)', [90]), timing('tar + sync', [333.3], 5)];
  const run = results([measured('warm', timings), measured('oci', timings)], { corpus: '/some/where/debian' });
  const [first, second, ...rest] = keep(kept, run);
  assert.deepEqual(rest, []);
  assert.deepEqual(first, { ...kept[0], scenarios: [old('cold')] });
  assert.equal(second?.corpus, 'debian');
  assert.deepEqual(second?.scenarios[0], {
    scenario: 'warm',
    measure: 'wall',
    contestants: [
      {
        name: 'cairn a',
        wallMs: { median: 100, min: 100, max: 100 },
        cpuMs: { median: 75, min: 75, max: 75 },
        ratio: 1,
      },
      {
        name: 'tar + sync',
        wallMs: { median: 333, min: 333, max: 333 },
        cpuMs: { median: 250, min: 250, max: 250 },
        ratio: 3.32,
      },
    ],
  });
  assert.deepEqual(JSON.parse(readableJson(keep(kept, run))), keep(kept, run));
  assert.throws(() => keep(kept, results([measured('warm', timings)])), /small corpus/);
});

test('a table has what is known: medians, ranges, ratios, verdicts, processor time; axes and limits stand by themselves', () => {
  const run = results(
    [
      measured('warm', [
        timing('cairn render, loose', [100, 120, 110]),
        timing('tar + sync', [400], 10),
        timing('a | b', [99]),
      ]),
      measured('again', [timing('cairn render, loose', [300]), timing('node -e 0', [100])]),
      measured('scaling: workers, cold', [timing('1', [400, 500], undefined, 1), timing('2', [250], undefined, 2)], {
        axis: { over: 'workers', line: 'cold' },
      }),
      measured('limit-import', [timing('cairn import', [100])]),
    ],
    { corpus: 'c' },
  );
  const page = withTables(PLACES, keep([], run));
  for (const line of [
    /^\| `warm` +\| cairn render, loose +\| 110 ms +\| 100 ms–120 ms +\| 1\.00× +\| 83 ms +\|$/m,
    /^\| +\| tar \+ sync +\| 400 ms +\| 400 ms–400 ms +\| 3\.64× +\| 300 ms +\|$/m,
    /^\| `warm` +\| cairn render, loose +\| tar \+ sync +\| 3\.50× +\| 3\.64× +\| met +\|$/m,
    /^\| +\| a \\\| b +\| 99 ms +\|/m,
    /^\| `again` +\| cairn render, loose +\| node -e 0 +\| \+120 ms +\| \+200 ms +\| missed +\|$/m,
    /^\| `import` +\| cairn import, packs +\| tar \+ sync +\| 1\.75× +\| +\| not measured yet +\|$/m,
    /^\| workers +\| cold +\|$/m,
    /^\| 1 +\| 450 ms \(400 ms–500 ms\) +\|$/m,
    /^\*\*2025-01-01\*\*, medians of 3 runs\. Some <Processor> & Co; 2 cores; 4\.0 GB; .*; node 20\.12\.0; tar 1\.34; corpus: c\.$/m,
  ])
    assert.match(page, line);
  const [ordinary, limits] = page.split('text') as [string, string];
  assert.doesNotMatch(ordinary, /limit-import|\bold\b/);
  assert.match(limits, /^\| `limit-import` \| cairn import/m);
  assert.equal(withTables(page, keep([], run)), page, 'made twice it is the same');
  assert.throws(() => withTables('# Page\n', []), /no line/);
});
