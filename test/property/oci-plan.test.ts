/** Plans of OCI images: for any layers, the planner gives the tree of a slow and obvious model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CairnError } from '../../engine/core/errors.js';
import type { LayerEntryType, TocEntry } from '../../engine/layer/toc.js';
import { planOci } from '../../engine/plan/oci.js';
import type { Plan } from '../../engine/plan/plan.js';
import { treeHashOf } from '../../engine/plan/tree-hash.js';
import { modelOciPlan, Refused } from '../fixtures/oci-model.js';

/** Few names, so that paths collide. Some sort between a directory (`a`) and its content (`a/`). */
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b') },
  { weight: 1, arbitrary: fc.constantFrom('c', 'a-b', '\xc3\xa9') },
);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const target = fc.oneof(
  { weight: 3, arbitrary: path },
  { weight: 2, arbitrary: path.map((each) => `/${each}`) },
  { weight: 2, arbitrary: path.map((each) => `../${each}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('.', '/', '..', '../..', './a', 'a/..', 'a/../b', '../../../a', 'a//b/', '/../b/.'),
  },
);
const TYPES: readonly LayerEntryType[] = [
  ...(['file', 'file', 'file', 'dir', 'dir', 'symlink', 'symlink', 'hardlink', 'hardlink', 'fifo'] as const),
  ...(['whiteout', 'whiteout', 'opaque'] as const),
];

interface Draft {
  path: string;
  type: LayerEntryType;
  target: string;
  /** Picks a link's target among the paths of all layers. */
  pick: number;
  /** Makes entries differ in every field. */
  seed: number;
}

const draft: fc.Arbitrary<Draft> = fc
  .record({
    path,
    type: fc.constantFrom(...TYPES),
    target,
    pick: fc.nat(),
    seed: fc.nat(1000),
    atRoot: fc.nat(9),
  })
  .map(({ atRoot, ...entry }) => {
    const mayBeRoot = entry.type === 'dir' || entry.type === 'opaque';
    return atRoot === 0 && mayBeRoot ? { ...entry, path: '' } : entry;
  });

/** One to four layers, bottom to top. Some break a rule. */
const layers: fc.Arbitrary<TocEntry[][]> = fc
  .array(fc.array(draft, { maxLength: 8 }), { minLength: 1, maxLength: 4 })
  .map((drafts) => {
    const targets = [...new Set(drafts.flat().map((each) => each.path))].filter((each) => each !== '');
    return drafts.map((layer) =>
      layer.map((each) => tocEntry(each, targets)).filter((each) => each.link !== each.path),
    );
  });

function tocEntry({ path, type, target, pick, seed }: Draft, targets: readonly string[]): TocEntry {
  const link = type === 'symlink' ? target : type === 'hardlink' ? (targets[pick % targets.length] ?? 'a') : '';
  const isMarker = type === 'whiteout' || type === 'opaque';
  return {
    path,
    type,
    mode: seed & 0o7777,
    uid: seed % 7,
    gid: seed % 11,
    sec: seed * 13,
    nsec: (seed % 3) * 250_000_000,
    size: type === 'file' ? seed : 0,
    key: type === 'file' ? seed.toString(16).padStart(128, '0') : '',
    link,
    devMajor: 0,
    devMinor: 0,
    xattrs: seed % 4 === 0 && !isMarker ? [{ name: 'user.seed', value: Buffer.from([seed & 255, 0]) }] : [],
  };
}

/** The plan, or 'refused'. */
function outcome(plan: () => Plan): Plan | 'refused' {
  try {
    return plan();
  } catch (error) {
    if (error instanceof Refused) return 'refused';
    if (!(error instanceof CairnError)) throw error;
    assert.match(error.code, /^ERR_BAD_(LINK|ARCHIVE)$/);
    assert.notEqual(error.entry, undefined, error.message);
    return 'refused';
  }
}

test('a plan of OCI layers is what the rules say, whatever collides', () => {
  let planned = 0;
  const runs = 40_000;
  fc.assert(
    fc.property(layers, (all) => {
      const expected = outcome(() => modelOciPlan(all));
      assert.deepEqual(
        outcome(() => planOci(all)),
        expected,
      );
      if (expected !== 'refused') planned++;
    }),
    { numRuns: runs },
  );
  assert.ok(planned > runs / 4, `only ${planned} of ${runs} were plans`);
});

test('a plan of OCI layers leaves its layers alone and is the same when asked again', () => {
  fc.assert(
    fc.property(layers, (all) => {
      const copy = structuredClone(all);
      const plan = outcome(() => planOci(all));
      assert.deepEqual(structuredClone(all), copy);
      assert.deepEqual(
        outcome(() => planOci(all)),
        plan,
      );
    }),
    { numRuns: 3000 },
  );
});

test('a plan of OCI layers lists every parent before what lies in it, once, in byte order', () => {
  fc.assert(
    fc.property(layers, (all) => {
      const plan = outcome(() => planOci(all));
      fc.pre(plan !== 'refused');
      const directories = new Set<string>();
      let before: string | undefined;
      for (const { path, type } of plan.entries) {
        if (before !== undefined) assert.ok(before < path);
        if (path !== '') assert.ok(directories.has(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''));
        if (type === 'dir') directories.add(path);
        before = path;
      }
      assert.equal(plan.entries[0]?.path, '');
    }),
    { numRuns: 3000 },
  );
});

test('a layer planned twice over, or with an empty one on top, gives the tree of one', () => {
  fc.assert(
    fc.property(layers, ([layer = []]) => {
      // In the second copy, a layer may follow, white out and link to its own entries.
      fc.pre(layer.every(({ type }) => type === 'file' || type === 'dir' || type === 'fifo'));
      fc.pre(new Set(layer.map(({ path }) => path)).size === layer.length);
      fc.pre(!layer.some(({ path, type }) => type !== 'dir' && layer.some((each) => each.path.startsWith(`${path}/`))));
      const hash = treeHashOf(planOci([layer]));
      assert.equal(treeHashOf(planOci([layer, layer])), hash);
      assert.equal(treeHashOf(planOci([layer, []])), hash);
    }),
    { numRuns: 300 },
  );
});
