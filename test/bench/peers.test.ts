/** Who takes part in the benchmarks, and whose results count. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SMALL } from '../../bench/inputs/sizes.js';
import { installed } from '../../bench/machine/installed.js';
import { nameBefore } from '../../bench/measure/against.js';
import { THIS_BUILD } from '../../bench/measure/cairn.js';
import type { Contestant } from '../../bench/measure/contestant.js';
import { compareTrees } from '../../bench/measure/deviations.js';
import { listTree } from '../../bench/measure/listing.js';
import { measure } from '../../bench/measure/measure.js';
import { TARGETS } from '../../bench/measure/targets.js';
import { LIMITS, SCENARIOS } from '../../bench/scenarios/all.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const idle = (name: string): Contestant => ({ name, run: async () => undefined });

test('a peer that lacks a program or a package is named with what it lacks', () => {
  const { contestants, skipped } = installed(
    [
      { contestant: idle('there'), programs: ['a'], packages: ['p'] },
      { contestant: idle('no program'), programs: ['a', 'b', 'c'] },
      { contestant: idle('no package'), packages: ['q'] },
      { contestant: idle('unfit'), programs: ['a'], unfit: 'it cannot be mounted' },
    ],
    (program) => program === 'a',
    (name) => (name === 'p' ? '1.0.0' : undefined),
  );
  assert.deepEqual(
    contestants.map(({ name }) => name),
    ['there'],
  );
  assert.deepEqual(skipped, [
    { name: 'no program', why: 'b, c not installed' },
    { name: 'no package', why: 'npm package q not installed' },
    { name: 'unfit', why: 'it cannot be mounted' },
  ]);
});

test('every target names a scenario, and a contestant that takes part in it or is skipped', (t) => {
  const dir = temporaryDirectory(t);
  const corpus = {
    flat: 'flat.tar',
    layers: ['1.tar.gz', '2.tar.gz'],
    images: ['1.aci', '2.aci'],
    layout: { dir: 'oci', tag: 'latest' },
    names: ['one', 'two'],
    packages: ['p.aci'],
  };
  const scenarios = Object.values({ ...SCENARIOS, ...LIMITS }).flatMap((make) =>
    make({ corpus, sizes: SMALL, dir, build: THIS_BUILD }),
  );
  assert.ok(TARGETS.length > 0);
  for (const { scenario: name, of, against } of TARGETS) {
    const scenario = scenarios.find((each) => each.name === name);
    assert.ok(scenario, name);
    const names = [...scenario.contestants, ...scenario.skipped].map((each) => each.name);
    for (const wanted of [of, against].filter((each) => each !== undefined && each !== nameBefore(of)))
      assert.ok(names.includes(wanted as string), `${name}: ${wanted} is none of ${names.join('; ')}`);
  }
  const names = scenarios.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'scenarios have names of their own');
});

/** Two trees of the same content, made one after the other. */
function twins(dir: string): [string, string] {
  return ['one', 'two'].map((name) => {
    const root = join(dir, name);
    fs.mkdirSync(join(root, 'd'), { recursive: true });
    fs.writeFileSync(join(root, 'd', 'f'), 'content');
    fs.symlinkSync('d/f', join(root, 'l'));
    for (const path of ['d/f', 'd', '']) fs.utimesSync(join(root, path), 1000, 1000);
    fs.lutimesSync(join(root, 'l'), 1000, 1000);
    return root;
  }) as [string, string];
}

test('trees are equal when all that a tree says is equal', (t) => {
  const [one, two] = twins(temporaryDirectory(t));
  assert.deepEqual(compareTrees(listTree(one), listTree(two)), { deviations: [], differences: [] });
});

const CHANGES: readonly [what: string, change: (root: string) => void, line: RegExp][] = [
  ['a missing file', (root) => fs.rmSync(join(root, 'l')), /^l: missing$/],
  ['a file too many', (root) => fs.writeFileSync(join(root, 'x'), ''), /^x: extra$/],
  ['other content', (root) => fs.writeFileSync(join(root, 'd/f'), 'CONTENT'), /^d\/f: content /],
  ['another size', (root) => fs.writeFileSync(join(root, 'd/f'), 'c'), /^d\/f: size 7 became 1$/],
  ['another mode', (root) => fs.chmodSync(join(root, 'd/f'), 0o600), /^d\/f: mode 644 became 600$/],
  ['another time', (root) => fs.utimesSync(join(root, 'd/f'), 5, 5), /^d\/f: mtime 1000000000000 became 5000000000$/],
  [
    'another target',
    (root) => {
      fs.rmSync(join(root, 'l'));
      fs.symlinkSync('d', join(root, 'l'));
    },
    /^l: content d\/f became d$/,
  ],
  [
    'another type',
    (root) => {
      fs.rmSync(join(root, 'l'));
      fs.mkdirSync(join(root, 'l'));
    },
    /^l: type symlink became directory$/,
  ],
];

test('every kind of difference is told of', async (t) => {
  for (const [what, change, line] of CHANGES) {
    await t.test(what, (t) => {
      const [one, two] = twins(temporaryDirectory(t));
      const expected = listTree(one);
      change(two);
      const { differences } = compareTrees(expected, listTree(two));
      assert.ok(
        differences.some((each) => line.test(each)),
        differences.join('\n'),
      );
    });
  }
});

test('a known deviation explains what it is about and nothing else', (t) => {
  const [one, two] = twins(temporaryDirectory(t));
  fs.utimesSync(join(two, 'd'), 5, 5);
  const expected = listTree(one);
  assert.deepEqual(compareTrees(expected, listTree(two), ['times of directories', 'times of symlinks']), {
    deviations: ['times of directories'],
    differences: [],
  });
  fs.chmodSync(join(two, 'd'), 0o700);
  fs.utimesSync(join(two, 'd/f'), 5, 5);
  const { differences } = compareTrees(expected, listTree(two), ['times of directories']);
  assert.equal(differences.length, 2);
});

test('of many differences a few are shown, and the others counted', (t) => {
  const [one, two] = twins(temporaryDirectory(t));
  for (let i = 0; i < 9; i++) fs.writeFileSync(join(two, `x${i}`), '');
  fs.utimesSync(two, 1000, 1000);
  const { differences } = compareTrees(listTree(one), listTree(two));
  assert.equal(differences.length, 6);
  assert.equal(differences.at(-1), 'and 4 more');
});

test('a peer that makes another tree, or fails, is told of and not measured; the others are', async (t) => {
  const dir = temporaryDirectory(t);
  const [one, two] = twins(dir);
  fs.writeFileSync(join(two, 'x'), '');
  const runs = new Map<string, number>();
  const making = (name: string, tree: string): Contestant => ({
    name,
    run: async (stopwatch) => {
      runs.set(name, (runs.get(name) ?? 0) + 1);
      await stopwatch.task(async () => {});
      return tree;
    },
  });
  const failing: Contestant = { name: 'failing', run: () => Promise.reject(new Error('no room')) };
  const contestants = [making('cairn', one), making('same', one), making('other', two), failing, idle('idle')] as const;
  const {
    contestants: timings,
    disqualified,
    census,
  } = await measure({ name: 's', what: 'w', measure: 'wall', contestants, skipped: [] }, 3, dir, () => {});
  assert.deepEqual(
    timings.map(({ name, runs: { length } }) => [name, length]),
    [
      ['cairn', 3],
      ['same', 3],
    ],
  );
  assert.deepEqual(
    [...runs],
    [
      ['cairn', 4],
      ['same', 4],
      ['other', 1],
    ],
  );
  assert.deepEqual(
    disqualified.map(({ name }) => name),
    ['other', 'failing', 'idle'],
  );
  assert.match(disqualified[0]?.differences.join() ?? '', /x: extra/);
  assert.match(disqualified[1]?.differences.join() ?? '', /no room/);
  assert.deepEqual(disqualified[2]?.differences, ['it made no tree']);
  assert.deepEqual(census, { entries: 3, bytes: 7 });
});
