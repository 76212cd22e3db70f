/** Plans of ACIs: for any images, the planner gives the tree of a slow and obvious model. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { isTreeId } from '../../engine/core/key.js';
import { type AciNode, planAci } from '../../engine/plan/aci.js';
import type { Plan, PlanEntry } from '../../engine/plan/plan.js';
import { treeHashOf, treeIdOf } from '../../engine/plan/tree-hash.js';
import { aciNodesOf, images } from '../fixtures/plan-arbitrary.js';
import { modelPlan } from '../fixtures/plan-model.js';

test('a plan is what the rules say, whatever collides', () => {
  fc.assert(
    fc.property(images, (all) => {
      assert.deepEqual(planAci(aciNodesOf(all)), modelPlan(all));
    }),
    { numRuns: 30_000 },
  );
});

test('a plan lists every parent before what lies in it, once, in byte order', () => {
  fc.assert(
    fc.property(images, (all) => {
      const { entries } = planAci(aciNodesOf(all));
      assert.equal(entries[0]?.path, '');
      const directories = new Set<string>();
      entries.forEach(({ path, type }, i) => {
        if (i > 0) assert.ok((entries[i - 1] as PlanEntry).path < path);
        if (path !== '') assert.ok(directories.has(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''));
        if (type === 'dir') directories.add(path);
      });
    }),
    { numRuns: 3000 },
  );
});

test('the same layers give the same plan, asked twice or as copies of one another', () => {
  fc.assert(
    fc.property(images, (all) => {
      const places = aciNodesOf(all);
      const plan = planAci(places);
      assert.deepEqual(planAci(places), plan);
      const copies = places.map((place) => ({ ...place, toc: place.toc.map((entry) => ({ ...entry })) }));
      assert.deepEqual(planAci(copies), plan);
    }),
    { numRuns: 3000 },
  );
});

test('the order of entries in a layer changes nothing, unless a directory stands in for a symlink of its layer', () => {
  fc.assert(
    fc.property(images, fc.infiniteStream(fc.nat(1_000_000)), (all, numbers) => {
      const places = aciNodesOf(all);
      fc.pre(places.every(({ toc }) => !toc.some(({ path, type }) => type === 'symlink' && hasBelow(toc, path))));
      const shuffled = places.map((place) => ({ ...place, toc: shuffle(place.toc, numbers) }));
      assert.deepEqual(planAci(shuffled), planAci(places));
    }),
    { numRuns: 3000 },
  );
});

test('a directory over what a file hid starts empty', () => {
  const chain = ['dir', 'file', 'dir'].map((type, i): AciNode => {
    const base = { mode: 0o700 + i, uid: i, gid: i, sec: i, nsec: 0, link: '', devMajor: 0, devMinor: 0, xattrs: [] };
    const isFile = type === 'file';
    const own = isFile
      ? { ...base, path: 'a', type: 'file' as const, size: 1, key: 'f'.repeat(128) }
      : { ...base, path: 'a', type: 'dir' as const, size: 0, key: '' };
    const below = { ...own, path: `a/${i}`, type: 'fifo' as const, size: 0, key: '' };
    return { toc: isFile ? [own] : [own, below], pathWhitelist: [], dependent: i - 1 };
  });
  const found = planAci(chain).entries.map(({ path, mode }) => [path, mode]);
  assert.deepEqual(found, [
    ['', 0o755],
    ['a', 0o700],
    ['a/0', 0o700],
  ]);
});

/** Another value for each field that has a meaning for the type of the entry. */
const CHANGES: readonly [field: keyof PlanEntry, change: (entry: PlanEntry) => Partial<PlanEntry> | undefined][] = [
  ['path', ({ path }) => ({ path: `${path}~` })],
  ['type', ({ type }) => ({ type: type === 'fifo' ? 'file' : 'fifo' })],
  ['mode', ({ type, mode }) => (type === 'symlink' ? undefined : { mode: mode ^ 0o4001 })],
  ['uid', ({ uid }) => ({ uid: uid + 1 })],
  ['gid', ({ gid }) => ({ gid: gid + 1 })],
  ['sec', ({ sec }) => ({ sec: sec + 1 })],
  ['nsec', ({ nsec }) => ({ nsec: nsec + 1 })],
  ['size', ({ size }) => ({ size: size + 1 })],
  ['key', ({ key }) => ({ key: `${key.slice(1)}e` })],
  ['link', ({ link }) => ({ link: `${link}x` })],
  ['group', ({ group }) => ({ group: `${group}x` })],
  ['devMajor', ({ type, devMajor }) => (type === 'char' ? { devMajor: devMajor + 1 } : undefined)],
  ['devMinor', ({ type, devMinor }) => (type === 'char' ? { devMinor: devMinor + 1 } : undefined)],
  ['xattrs', ({ xattrs }) => ({ xattrs: [...xattrs, { name: 'user.z', value: Buffer.from('1') }] })],
];

test('a tree hash covers every field of every entry', async (t) => {
  for (const [field, change] of CHANGES) {
    await t.test(field, () => {
      fc.assert(
        fc.property(images, fc.nat(), (all, which) => {
          const plan = planAci(aciNodesOf(all));
          const at = which % plan.entries.length;
          const changed = change(plan.entries[at] as PlanEntry);
          fc.pre(changed !== undefined);
          assert.notEqual(treeHashOf(replaced(plan, at, changed)), treeHashOf(plan));
        }),
        { numRuns: 200 },
      );
    });
  }
  await t.test('names and values of extended attributes apart', () => {
    const withXattr = (name: string, value: string): Plan =>
      replaced(planAci([{ toc: [], pathWhitelist: [], dependent: -1 }]), 0, {
        xattrs: [{ name, value: Buffer.from(value) }],
      });
    assert.notEqual(treeHashOf(withXattr('user.ab', 'c')), treeHashOf(withXattr('user.a', 'bc')));
  });
  await t.test('missing and additional entries', () => {
    fc.assert(
      fc.property(images, fc.nat(), (all, which) => {
        const plan = planAci(aciNodesOf(all));
        const entries = plan.entries.toSpliced(which % plan.entries.length, 1);
        assert.notEqual(treeHashOf({ ...plan, entries }), treeHashOf(plan));
      }),
      { numRuns: 200 },
    );
  });
});

test('a tree hash does not cover what a tree cannot show', async (t) => {
  const entry = planAci([{ toc: [], pathWhitelist: [], dependent: -1 }]).entries[0] as PlanEntry;
  const hashOf = (change: Partial<PlanEntry>): string =>
    treeHashOf({ entries: [{ ...entry, ...change }], files: 0, bytes: 0 });
  await t.test('which layer an entry came from', () => {
    assert.equal(hashOf({ layer: 3 }), hashOf({ layer: -1 }));
  });
  await t.test('the mode of a symlink', () => {
    assert.equal(hashOf({ type: 'symlink', link: 'a', mode: 0o777 }), hashOf({ type: 'symlink', link: 'a', mode: 0 }));
  });
});

test('a tree hash is the sha512 of the canonical form', () => {
  const root = planAci([{ toc: [], pathWhitelist: [], dependent: -1 }]);
  const canonical = ['', 'dir', '0755', '0', '0', '0', '0', '', '', '', '', ''].map((field) => `${field}\0`).join('');
  assert.equal(treeHashOf(root), `sha512-${sha512(canonical)}`);
});

test('a tree id is the sha512 of the layer keys in priority order, joined by commas', () => {
  const a = `sha512-${'a'.repeat(128)}` as const;
  const b = `sha512-${'b'.repeat(128)}` as const;
  assert.equal(treeIdOf([a]), `deps-sha512-${sha512(a)}`);
  assert.equal(treeIdOf([a, b, a]), `deps-sha512-${sha512(`${a},${b},${a}`)}`);
  assert.notEqual(treeIdOf([a, b]), treeIdOf([b, a]));
  assert.ok(isTreeId(treeIdOf([a, b])));
});

function sha512(text: string): string {
  return createHash('sha512').update(text).digest('hex');
}

function hasBelow(toc: AciNode['toc'], path: string): boolean {
  return toc.some((each) => each.path.startsWith(`${path}/`));
}

function shuffle<T>(items: readonly T[], numbers: Iterator<number>): T[] {
  return items
    .map((item) => ({ item, at: numbers.next().value as number }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function replaced(plan: Plan, at: number, change: Partial<PlanEntry>): Plan {
  return { ...plan, entries: plan.entries.with(at, { ...(plan.entries[at] as PlanEntry), ...change }) };
}
