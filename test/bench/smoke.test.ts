/** The benchmarks run: contestants against one another on a corpus of a few files, through the real programs. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contentOf } from '../../bench/inputs/generated.js';
import { SMALL } from '../../bench/inputs/sizes.js';
import { floorList, PROGRAM } from '../../bench/limits/floor.js';
import { limitFetch } from '../../bench/limits/limit-fetch.js';
import { besideEachOther, buildIn } from '../../bench/measure/against.js';
import { THIS_BUILD } from '../../bench/measure/cairn.js';
import { listTree } from '../../bench/measure/listing.js';
import { measure } from '../../bench/measure/measure.js';
import { parseOptions, UsageError } from '../../bench/measure/options.js';
import { run } from '../../bench/measure/process.js';
import { microGroups } from '../../bench/micro/run.js';
import { noRegistry } from '../../bench/peers/registry.js';
import { pairRows } from '../../bench/report/pairs.js';
import { again } from '../../bench/scenarios/again.js';
import { LIMITS } from '../../bench/scenarios/all.js';
import { build } from '../../bench/scenarios/build.js';
import { cold } from '../../bench/scenarios/cold.js';
import { fetchCold } from '../../bench/scenarios/fetch.js';
import { runScenarios } from '../../bench/scenarios/run.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { missing } from '../fixtures/peers.js';
import { NO_RUNTIME } from '../fixtures/runtime.js';
import { tinyCorpus } from '../fixtures/tiny-corpus.js';

test('cold and again: everyone who is here makes the same tree, and is measured', async (t) => {
  const dir = temporaryDirectory(t);
  const ground = { corpus: await tinyCorpus(dir), sizes: SMALL, dir, build: THIS_BUILD };
  const scenario = cold(ground);
  const measured = await measure(scenario, 1, dir, () => {});
  assert.deepEqual(measured.disqualified, []);
  assert.deepEqual(measured.census, { entries: 5, bytes: 15 });
  assert.deepEqual(
    measured.contestants.map(({ name, runs }) => [name, runs.length]),
    scenario.contestants.map(({ name }) => [name, 1]),
  );
  assert.equal(measured.contestants[0]?.name, 'cairn import + render');
  assert.equal(measured.contestants[0]?.unflushedMs, undefined, 'what is durable needs no sync');
  assert.ok(measured.contestants.every(({ wallMs }) => wallMs.median > 0));

  const repeated = await measure(again(ground), 1, dir, () => {});
  assert.equal(repeated.census, undefined);
  assert.deepEqual(
    repeated.contestants.map(({ name }) => name),
    ['cairn render', 'node -e 0'],
  );
});

test('run: cairn and crun run the same program', { skip: NO_RUNTIME || missing('umoci', 'crun') }, async (t) => {
  const dir = temporaryDirectory(t);
  const ground = { corpus: await tinyCorpus(dir), sizes: SMALL, dir, build: THIS_BUILD };
  for (const scenario of runScenarios(ground)) {
    const measured = await measure(scenario, 1, dir, () => {});
    await scenario.close?.();
    assert.deepEqual([scenario.unfit, scenario.skipped], [undefined, []]);
    assert.equal(measured.contestants.length, scenario.contestants.length);
  }
});

test('build: cairn and umoci make a layer of what has changed', { skip: missing('umoci') }, async (t) => {
  const dir = temporaryDirectory(t);
  const scenario = build({ corpus: await tinyCorpus(dir), sizes: SMALL, dir, build: THIS_BUILD });
  t.after(scenario.close as () => Promise<void>);
  const measured = await measure(scenario, 2, dir, () => {});
  assert.deepEqual([measured.disqualified, scenario.skipped], [[], []]);
  assert.deepEqual(
    measured.contestants.map(({ name, runs }) => [name, runs.length]),
    ['cairn build write', 'cairn build write --thorough', 'umoci repack + sync'].map((name) => [name, 2]),
  );
});

test('fetch: cairn and skopeo make the same tree of what a registry has', {
  skip: missing('docker-registry', 'skopeo', 'curl'),
}, async (t) => {
  const dir = temporaryDirectory(t);
  const ground = { corpus: await tinyCorpus(dir), sizes: SMALL, dir, build: THIS_BUILD };
  for (const make of [fetchCold, limitFetch]) {
    const scenario = make(ground);
    assert.equal(scenario.unfit, undefined);
    t.after(scenario.close as () => Promise<void>);
    const measured = await measure(scenario, 1, dir, () => {});
    assert.deepEqual(measured.disqualified, []);
    assert.ok(measured.contestants.length > 3);
    assert.deepEqual(
      measured.contestants.map(({ name }) => name),
      scenario.contestants.map(({ name }) => name),
    );
  }
});

test('a scenario that needs a registry says what is missing for one', () => {
  assert.equal(
    noRegistry(() => false),
    'docker-registry, skopeo not installed',
  );
  assert.equal(
    noRegistry((program) => program === 'skopeo'),
    'docker-registry not installed',
  );
  assert.equal(
    noRegistry(() => true),
    undefined,
  );
});

test('another build runs beside this one, on stores of its own, and is compared with it', async (t) => {
  const dir = temporaryDirectory(t);
  const ground = { corpus: await tinyCorpus(dir), sizes: SMALL, dir, build: THIS_BUILD };
  // The same program under another name is another build.
  const other = { ...ground, build: { ...THIS_BUILD, name: 'before' } };
  for (const make of [cold, again]) {
    const scenario = besideEachOther(make(ground), make(other));
    const measured = await measure(scenario, 1, dir, () => {});
    assert.deepEqual(measured.disqualified, []);
    const [own, before, peer] = measured.contestants.map(({ name }) => name);
    assert.equal(before, `${own} (before)`);
    assert.doesNotMatch(peer ?? '', /^cairn/);
    assert.deepEqual(
      pairRows(measured).map(([name]) => name),
      [own],
    );
  }
  assert.deepEqual(
    fs.readdirSync(dir).filter((name) => name.startsWith('stock')),
    ['stock', 'stock-before'],
  );
});

test('a checkout that is not built is refused, one that is built is taken', (t) => {
  const dir = temporaryDirectory(t);
  assert.throws(() => buildIn(dir), /built: .*dist\/cli\/cairn\.cjs is not there/);
  fs.mkdirSync(join(dir, 'dist', 'cli'), { recursive: true });
  fs.writeFileSync(join(dir, 'dist', 'cli', 'cairn.cjs'), '');
  assert.deepEqual(buildIn(dir), { name: 'before', program: join(dir, 'dist', 'cli', 'cairn.cjs') });
});

test('the command line is taken, or refused with what is wrong', () => {
  const options = parseOptions(['warm', 'cold', '--runs', '2', '--out', 'o', '--corpus', 'c', '--dir', 'd']);
  assert.deepEqual(options, {
    names: ['warm', 'cold'],
    micro: false,
    corpus: 'c',
    dir: 'd',
    layouts: ['packs', 'loose'],
    out: 'o',
    against: undefined,
    runs: 2,
    objects: undefined,
    json: false,
  });
  const ordinary = parseOptions([])?.names ?? [];
  assert.ok(ordinary.length > 10);
  assert.deepEqual(
    ordinary.filter((name) => name.startsWith('limit')),
    [],
    'limits run only when they are asked for',
  );
  assert.deepEqual(parseOptions(['limit-bulk', 'warm'])?.names, ['limit-bulk', 'warm']);
  assert.deepEqual(parseOptions(['--limits'])?.names, [...ordinary, ...Object.keys(LIMITS)]);
  assert.deepEqual(parseOptions(['limit-bulk', '--limits'])?.names.toSorted(), Object.keys(LIMITS).toSorted());
  assert.deepEqual([parseOptions(['micro'])?.names, parseOptions(['micro'])?.micro], [[], true]);
  assert.equal(parseOptions(['--help']), undefined);
  assert.deepEqual(parseOptions(['--layout', 'loose'])?.layouts, ['loose']);
  for (const args of [
    ['nothing'],
    ['--layout', 'x'],
    ['--objects', '9'],
    ['--runs', '0'],
    ['--runs', 'x'],
    ['--nonsense'],
  ])
    assert.throws(() => parseOptions(args), UsageError, args.join(' '));
});

test('each micro-benchmark does what it measures', async (t) => {
  const names: string[] = [];
  for await (const { name, cases } of microGroups(temporaryDirectory(t))) {
    for (const each of cases) await each.run();
    names.push(name);
  }
  assert.deepEqual(names, ['tar', 'plan', 'codecs', 'names', 'index']);
});

test('made-up content is the same every time, and of no other number', () => {
  assert.deepEqual(contentOf(3, 10_000), contentOf(3, 10_000));
  assert.notDeepEqual(contentOf(3, 10_000), contentOf(4, 10_000));
  assert.equal(contentOf(123456, 2).length, 2);
  assert.equal(contentOf(1, 0).length, 0);
});

test('the list of the floor has directories, links and files as the C program reads them', (t) => {
  const root = join(temporaryDirectory(t), 'tree');
  fs.mkdirSync(join(root, 'd'), { recursive: true });
  fs.writeFileSync(join(root, 'd', 'f'), 'content');
  fs.symlinkSync('d/f', join(root, 'l'));
  const listing = listTree(root);
  assert.equal(floorList('create', listing, root).toString(), 'dd\0fd/f\x007\0sl\0d/f\0');
  assert.equal(floorList('link', listing, root).toString(), `dd\0ld/f\0${root}/d/f\0sl\0d/f\0`);
});

test('the floor in Node makes what the list says', async (t) => {
  const dir = temporaryDirectory(t);
  const root = join(dir, 'tree');
  fs.mkdirSync(join(root, 'd'), { recursive: true });
  for (const name of ['a', 'b', 'ü']) fs.writeFileSync(join(root, 'd', name), name);
  fs.symlinkSync('d/a', join(root, 'l'));
  fs.writeFileSync(join(dir, 'list'), floorList('link', listTree(root), root));
  for (const threads of ['1', '2', '9']) {
    const made = join(dir, `made-${threads}`);
    await run([process.execPath, PROGRAM, threads, join(dir, 'list'), made]);
    assert.deepEqual([...listTree(made).keys()], [...listTree(root).keys()]);
    assert.equal(fs.statSync(join(made, 'd', 'b')).ino, fs.statSync(join(root, 'd', 'b')).ino);
    assert.equal(fs.readlinkSync(join(made, 'l')), 'd/a');
    assert.equal(fs.statSync(join(made, 'd')).mtimeMs, 1_735_689_600_000);
  }
});
