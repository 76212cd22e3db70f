/** Small images that would take a planner without bounds minutes, or all memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { AciLayer } from '../../engine/layer/aci-rules.js';
import type { LayerEntryType, TocEntry } from '../../engine/layer/toc.js';
import { planAci } from '../../engine/plan/aci.js';
import { planOci } from '../../engine/plan/oci.js';
import { plainEntry } from '../../engine/plan/plan.js';

function toc(path: string, type: LayerEntryType = 'file', link = ''): TocEntry {
  return { ...plainEntry(path, 'file', 0o644, 0), type, link };
}

function times<T>(count: number, each: (i: number) => T): T[] {
  return Array.from({ length: count }, (_none, i) => each(i));
}

for (const [what, marker] of [
  ['an opaque marker', toc('d/e', 'opaque')],
  ['an opaque marker further up', toc('', 'opaque')],
  ['a whiteout', toc('d', 'whiteout')],
] as const) {
  test(`${what} a hundred thousand times over a layer's own content looks at that once`, () => {
    const lower = [toc('d/e/lower'), toc('d/other')];
    const own = times(100_000, (i) => toc(`d/e/${i}`));
    const { entries } = planOci([lower, [...own, ...times(100_000, () => marker), toc('d/e/last')]]);
    const others = marker.path === 'd/e' ? 1 : 0;
    assert.equal(entries.length, own.length + 4 + others);
  });
}

test('a hundred thousand entries behind forty long symlinks are too much, in any of the layers', () => {
  const target = (name: string): string => `${'./'.repeat((4095 - name.length) >> 1)}${name}`;
  const links = times(40, (i) => toc(`l${i}`, 'symlink', target(i < 39 ? `l${i + 1}` : 'd')));
  const first = [toc('d', 'dir'), ...links];
  const layers = times(100, (i) => times(1000, (j) => toc(`l0/${i}.${j}`)));
  assert.throws(() => planOci([first, ...layers]), { code: 'ERR_LIMIT', entry: /^l0\/0\./ });
  const hardLinks = times(100_000, (i) => toc(`h${i}`, 'hardlink', 'l0/0'));
  assert.throws(() => planOci([[...first, toc('l0/0')], hardLinks]), { code: 'ERR_LIMIT', entry: /^h/ });
  assert.equal(planOci([[...first, ...times(100, (i) => toc(`l0/${i}`))]]).entries.length, 142);
});

test('two hundred thousand entries behind a symlink of everyday length are not', () => {
  const entries = times(200_000, (i) => toc(`lib/x86_64-linux-gnu/${i}`));
  const { files } = planOci([[toc('usr/lib', 'dir'), toc('lib', 'symlink', 'usr/lib'), ...entries]]);
  assert.equal(files, entries.length);
});

test('directories that no entry declares are bounded for a tree', () => {
  const below = (path: string): string => `${path}${'/x'.repeat(200)}/f`;
  const deep = times(6000, (i) => toc(below(`d${i}`)));
  const refusal = { code: 'ERR_LIMIT', message: /no entry declares/ };
  assert.throws(() => planOci([deep]), refusal);
  assert.throws(() => planOci([deep.slice(0, 3000), deep.slice(3000)]), refusal);
  assert.throws(() => planAci([{ toc: deep, pathWhitelist: [], dependent: -1 }]), refusal);
  const places = [deep.slice(0, 3000), deep.slice(3000)];
  assert.throws(() => planAci(places.map((each, i) => ({ toc: each, pathWhitelist: [], dependent: i - 1 }))), refusal);
  const links = times(600, (i) => [toc(`l${i}`, 'symlink', below(`t${i}`).repeat(9)), toc(`l${i}/f`)]).flat();
  assert.throws(() => planOci([links]), refusal);
});

test('directories that no entry of an ACI declares count as entries of its layer', () => {
  const layer = (maxEntries: number): AciLayer => new AciLayer({ ...DEFAULT_LIMITS, maxEntries });
  const add = (to: AciLayer, name: string, type: 'file' | 'dir' = 'file'): void => {
    const plain = { mode: 0, uid: 0, gid: 0, mtime: { sec: 0, nsec: 0 }, size: 0, stored: 0, link: '' };
    to.add({ ...plain, name, type, devMajor: 0, devMinor: 0, xattrs: [] });
  };
  assert.throws(() => add(layer(5), 'rootfs/a/b/c/d/e/f'), { code: 'ERR_LIMIT', message: /--max-entries/ });
  const late = layer(6);
  add(late, 'rootfs/a/b/c/f');
  add(late, 'rootfs/a/b/c', 'dir');
  add(late, 'rootfs/a/b', 'dir');
  add(late, 'rootfs/a', 'dir');
  add(late, 'rootfs/a/b/g');
  add(late, 'rootfs/h');
  assert.throws(() => add(late, 'rootfs/i'), { code: 'ERR_LIMIT' });
});
