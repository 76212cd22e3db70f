/** Both layouts of a store in one scenario, and the scenarios that are about what one of them is for. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { Ground } from '../../bench/inputs/ground.js';
import { SMALL } from '../../bench/inputs/sizes.js';
import { THIS_BUILD } from '../../bench/measure/cairn.js';
import type { Contestant, Scenario } from '../../bench/measure/contestant.js';
import { isOwn, layoutsBeside } from '../../bench/measure/layouts.js';
import { Stopwatch } from '../../bench/measure/stopwatch.js';
import { LIMITS, SCENARIOS, scenariosOf } from '../../bench/scenarios/all.js';
import type { ObjectLayout } from '../../engine/session/format.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { cannotMountTrees, mountingDirectory } from '../fixtures/mounting.js';
import { NAMELESS_CORPUS } from '../fixtures/nameless-corpus.js';
import { tinyCorpus } from '../fixtures/tiny-corpus.js';

const SIZES = { ...SMALL, holes: 20, objects: 100, mountedPaths: 40, smallFiles: 20, largeBytes: 50_000 };

/** Of the tiny corpus: the file that is in both layers, in two versions, and two more. */
const CONTENTS = 4;

const groundIn = async (dir: string): Promise<Ground> => ({
  corpus: await tinyCorpus(dir),
  sizes: SIZES,
  dir,
  build: THIS_BUILD,
});

/** Runs cairn's contestants and the peers that are named. @returns the bytes of those that say what they needed */
async function ranOnce(scenario: Scenario, peers: readonly string[] = []): Promise<Record<string, number | undefined>> {
  const needed: Record<string, number | undefined> = {};
  for (const contestant of scenario.contestants.filter((each) => isOwn(each) || peers.includes(each.name))) {
    const stopwatch = new Stopwatch();
    await contestant.prepare?.();
    await contestant.run(stopwatch);
    await contestant.clear?.();
    needed[contestant.name] = stopwatch.spent.bytes;
  }
  return needed;
}

/** @param named what the command line calls it, where that stands for several */
function scenarioOf(name: string, ground: Ground, named = name, layouts?: readonly ObjectLayout[]): Scenario {
  return scenariosOf(named, ground, layouts).find((each) => each.name === name) as Scenario;
}

const inPacks = (name: string, ground: Ground, named = name): Scenario => scenarioOf(name, ground, named, ['packs']);

/** One whose mounts are in the test's own directory. */
async function mountingGround(t: TestContext): Promise<Ground> {
  const dir = mountingDirectory(t);
  const said = process.env['CAIRN_RUN_DIR'];
  process.env['CAIRN_RUN_DIR'] = dir;
  t.after(() => {
    if (said === undefined) delete process.env['CAIRN_RUN_DIR'];
    else process.env['CAIRN_RUN_DIR'] = said;
  });
  return groundIn(dir);
}

const layoutSaid = process.env['CAIRN_LAYOUT'];
before(() => {
  delete process.env['CAIRN_LAYOUT'];
});
after(() => {
  if (layoutSaid !== undefined) process.env['CAIRN_LAYOUT'] = layoutSaid;
});

test('cairn runs in each layout, its peers once; what has an axis is a line for each', () => {
  const closed: string[] = [];
  const one = (close: string, names: readonly string[], axis?: Scenario['axis']): Scenario => ({
    name: 's',
    what: 'w',
    measure: 'wall',
    ...(axis === undefined ? {} : { axis }),
    contestants: names.map((name) => ({ name, run: async () => undefined })) as unknown as [Contestant],
    skipped: [{ name: 'cairn mount', why: 'it cannot' }],
    close: async () => {
      closed.push(close);
    },
  });
  const names = ['cairn import', 'store.render()', 'tar + sync', 'cairnlike'];
  const [scenario, ...others] = layoutsBeside([
    ['packs', one('a', names)],
    ['loose', one('b', names)],
  ]);
  assert.deepEqual(others, []);
  assert.deepEqual(
    scenario?.contestants.map(({ name }) => name),
    [
      ...['cairn import, packs', 'store.render(), packs', 'cairn import, loose', 'store.render(), loose'],
      ...['tar + sync', 'cairnlike'],
    ],
  );
  assert.deepEqual(
    scenario?.skipped.map(({ name }) => name),
    ['cairn mount, packs', 'cairn mount, loose'],
  );
  return scenario?.close?.().then(() => {
    assert.deepEqual(closed, ['a', 'b']);
    const axis = { over: 'images', line: 'gc' };
    const lines = layoutsBeside([
      ['packs', one('a', ['10'], axis)],
      ['loose', one('b', ['10'], axis)],
    ]);
    assert.deepEqual(
      lines.map(({ name, axis }) => [name, axis?.line]),
      [
        ['s, packs', 'gc, packs'],
        ['s, loose', 'gc, loose'],
      ],
    );
  });
});

test('one layout can be left out; limits are those of loose stores', (t) => {
  const ground = { corpus: NAMELESS_CORPUS, sizes: SMALL, dir: temporaryDirectory(t), build: THIS_BUILD };
  for (const make of Object.values(SCENARIOS))
    for (const { contestants } of make(ground, ['loose']))
      for (const each of contestants.filter(isOwn)) assert.doesNotMatch(each.name, /, packs$/);
  for (const make of Object.values(LIMITS))
    for (const { contestants } of make(ground, ['packs']))
      for (const each of contestants.filter(isOwn)) assert.doesNotMatch(each.name, /, (packs|loose)$/);
});

test('import: in both layouts, beside a peer', async (t) => {
  const ground = await groundIn(temporaryDirectory(t));
  const ran = await ranOnce(scenarioOf('import', ground), ['tar + sync']);
  assert.deepEqual(Object.keys(ran), ['cairn import, packs', 'cairn import, loose', 'tar + sync']);
});

test('a store with packs is checked, its peer hashes the same contents as files', async (t) => {
  const ground = await mountingGround(t);
  const scenario = inPacks('check', ground);
  const ran = await ranOnce(scenario, ['xargs -P2 sha512sum']);
  assert.deepEqual(Object.keys(ran), ['cairn check, packs', 'xargs -P2 sha512sum']);
  assert.ok((scenario.bytes?.() ?? 0) > 0);
  const files = fs.readdirSync(join(ground.dir, 'objects-as-files'), { recursive: true, withFileTypes: true });
  assert.equal(files.filter((each) => each.isFile()).length, CONTENTS);
});

test('objects between others are collected, and their bytes come back', async (t) => {
  const ground = await groundIn(temporaryDirectory(t));
  await ranOnce(inPacks('gc-many', ground));
  await ranOnce(inPacks('gc-holes', ground));
  const back = await ranOnce(inPacks('gc-bytes', ground, 'gc-holes'), ['what the objects held']);
  const held = back['what the objects held'] ?? 0;
  assert.equal(held, SIZES.holes * 65_536);
  assert.ok((back['cairn gc gives back, packs'] ?? 0) > 0.9 * held, JSON.stringify(back));
});

test('rebuilds and an import say how many bytes they needed', async (t) => {
  const ground = await groundIn(temporaryDirectory(t));
  const stored = await ranOnce(inPacks('rebuilds', ground));
  const memory = await ranOnce(inPacks('memory-small', ground, 'memory'));
  for (const bytes of [...Object.values(stored), ...Object.values(memory)]) assert.ok((bytes ?? 0) > 10_000);
  assert.equal(Object.keys(stored).length, 2);
});

test('trees are mounted of a layout, and in this process, and read as they are on disk', {
  skip: cannotMountTrees(),
}, async (t) => {
  const ground = await mountingGround(t);
  const oci = inPacks('oci', ground);
  const [mounting] = oci.contestants;
  assert.deepEqual(Object.keys(await ranOnce({ ...oci, contestants: [mounting] })), [
    'cairn mount of the layout, packs',
  ]);

  const library = inPacks('mount-library', ground);
  const [own] = library.contestants;
  let paths = 0;
  const counting: Contestant = {
    ...own,
    run: async (stopwatch) => {
      const root = (await own.run(stopwatch)) as string;
      paths = fs.readdirSync(root, { recursive: true }).length;
      return root;
    },
  };
  await ranOnce({ ...library, contestants: [counting] });
  assert.equal(paths, SIZES.mountedPaths);
  await library.close?.();

  const reads = scenariosOf('reads', ground, ['packs']);
  for (const name of ['read: find, warm', 'read: parts, warm', 'read: mmap, warm'])
    await ranOnce(reads.find((each) => each.name === name) as Scenario, ['tar']);
  await reads.at(-1)?.close?.();
});
