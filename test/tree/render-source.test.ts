/** Rendering an image straight from its archive, by the plan that the import has made. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { type EntrySpec, tar } from '../fixtures/archive.js';
import { manyEntries } from '../fixtures/entries.js';
import { ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';
import { describeTree } from '../fixtures/tree.js';

const UPPER: readonly EntrySpec[] = [
  { name: 'd0/.wh.f0', content: '' },
  { name: 'd3/f3', content: 'another' },
];
const LAYERS = [tar(manyEntries(30, 300, 70)), tar([...UPPER])];

interface Tree {
  treeId: string;
  path: string;
  hash: string;
  files: number;
  existed: boolean;
}

class Source extends TestStore {
  /** Writes a layout beside the store. @returns its path */
  layout(name: string, layers: readonly Buffer[], config = {}): string {
    ociLayout(this.path(name), [{ ref: `example.com/${name}:latest`, layers, config }]);
    return this.path(name);
  }

  async render(...args: string[]): Promise<Tree> {
    const [tree] = await this.json<[Tree]>(['render', ...args]);
    return tree;
  }

  /** Leftovers of incomplete work. */
  get staged(): string[] {
    return fs.readdirSync(this.path('store/staging'));
  }
}

test('a tree from a layout is the one that an import and a render make', async (t) => {
  const two = new Source(t);
  const layout = two.layout('web', LAYERS);
  await two.ok(['import', layout]);
  const expected = await two.render('example.com/web');
  const one = new Source(t);
  for (const workers of ['1', '2', '3']) {
    one.layout('web', LAYERS);
    const made = await one.render(one.path('web'), '--workers', workers);
    assert.equal(made.existed, false);
    for (const field of ['treeId', 'hash', 'files'] as const) assert.equal(made[field], expected[field], field);
    assert.deepEqual(describeTree(made.path), describeTree(expected.path));
    await one.ok(['check']);
    assert.deepEqual(one.staged, []);
    assert.equal((await one.render(one.path('web'))).existed, true);
    fs.rmSync(one.store, { recursive: true });
  }
});

test('so is one that is copied', async (t) => {
  const s = new Source(t);
  const { path } = await s.render(s.layout('web', LAYERS), '--mode', 'copy');
  assert.equal(fs.statSync(`${path}/d1/f1`).nlink, 1);
  await s.ok(['check']);
});

test('a tree that another image has is taken', async (t) => {
  const s = new Source(t);
  const first = await s.render(s.layout('web', LAYERS));
  const second = await s.render(s.layout('same', LAYERS, { author: 'somebody else' }));
  assert.equal(second.existed, true);
  assert.equal(second.path, first.path);
  assert.deepEqual(s.staged, []);
  await s.ok(['check']);
  assert.equal((await s.json<unknown[]>(['ls'])).length, 2);
});

test('an image that makes no tree does not come in', async (t) => {
  const s = new Source(t);
  const bad = tar([{ name: 'link', flag: '1', link: 'nothing' }]);
  await s.refused(['render', s.layout('bad', [bad])], 'ERR_BAD_LINK', 1);
  assert.deepEqual(await s.json(['ls']), []);
  assert.deepEqual(s.staged, []);
});

test('an image stays whose tree cannot be made', async (t) => {
  const s = new Source(t);
  // A path that is not too long by itself, but is below the store.
  const deep = Array.from({ length: 20 }, () => 'd'.repeat(203)).join('/');
  const layout = s.layout('deep', [tar([{ name: 'deep', flag: '5', pax: { path: deep } }])]);
  const error = await s.refused(['render', layout], 'ERR_LIMIT', 1);
  assert.match(error.message, /a path of \d+ bytes/);
  const images = await s.json<{ name: string }[]>(['ls']);
  assert.deepEqual(
    images.map(({ name }) => name),
    ['example.com/deep'],
  );
  assert.deepEqual(s.staged, []);
  await s.ok(['check']);
});
