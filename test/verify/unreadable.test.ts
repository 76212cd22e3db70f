/**
 * Files that the owner of a store may not read are found, reported and mended like other damage. Root may read all
 * files.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CheckResult } from '../../engine/verify/check.js';
import type { FsckResult } from '../../engine/verify/fsck.js';
import type { EntrySpec } from '../fixtures/archive.js';
import { type Json, TestStore } from '../fixtures/store.js';
import { inPacks, objectsOf, objectWith } from '../fixtures/stored-objects.js';

const NEEDS_ROOT = process.geteuid?.() === 0 ? false : 'only root can be someone else';
const NOBODY = 65_534;
const DENIED = 'cannot be read: permission denied';

/** A store that belongs to a user without rights, who runs the commands. */
class PlainStore extends TestStore {
  constructor(t: TestContext) {
    super(t);
    fs.chownSync(this.dir, NOBODY, NOBODY);
  }

  override run(args: readonly string[], options = {}): ReturnType<TestStore['run']> {
    return super.run(args, { uid: NOBODY, cwd: '/', fresh: inPacks, ...options });
  }

  async image(name: string, entries: readonly EntrySpec[], mode: 'copy' | 'link'): Promise<string> {
    await this.ok(['import', this.aci(`${name}.aci`, { name: `example.com/${name}` }, entries)]);
    const [{ path }] = await this.json<[Json]>(['render', '--mode', mode, `example.com/${name}`]);
    return path as string;
  }
}

test('what may not be read ends neither check nor repair', { skip: NEEDS_ROOT }, async (t) => {
  const s = new PlainStore(t);
  const root = await s.image(
    'a',
    [
      { name: 'd', flag: '5' },
      { name: 'd/x', content: 'x' },
      { name: 'e', content: 'e' },
    ],
    'copy',
  );
  await s.image('b', [{ name: 'b', content: 'b' }], 'copy');
  const { layers } = await s.json<{ layers: [{ toc: string }] }>(['inspect', 'example.com/b']);
  const toc = layers[0].toc.slice('sha512-'.length);
  fs.chmodSync(join(root, 'd'), 0);
  fs.chmodSync(join(root, 'e'), 0);
  fs.chmodSync(join(s.store, 'blobs/sha512', toc.slice(0, 2), toc.slice(2)), 0);
  const object = objectWith(s.store, 'x').path;
  fs.chmodSync(inPacks ? object : join(object, '..'), 0);

  await t.test('check names all of it', async () => {
    const { damaged, checked } = await s.json<CheckResult>(['check'], 4);
    const told = damaged.map(({ kind, path = '', what }) => `${kind} ${path} ${what}`);
    for (const one of [
      'tree d mode 0000 instead of 0755',
      `tree d/x ${DENIED}`,
      'tree e mode 0000 instead of 0644',
      `tree e ${DENIED}`,
      `layer  table of contents: ${DENIED}`,
      `object  ${DENIED}`,
    ])
      assert.ok(told.includes(one), `${one}: ${told.join('\n')}`);
    assert.deepEqual([checked.layers, checked.objects, checked.trees], [2, 3, 2]);
  });
  await t.test('fsck names what it has to look at', async () => {
    const { missing } = await s.json<FsckResult>(['fsck'], 4);
    assert.deepEqual(
      missing.map(({ kind, what }) => [kind, what]),
      Array.from({ length: inPacks ? 3 : 1 }, () => ['object', DENIED]),
    );
  });
  await t.test('a repair mends what it can', async () => {
    const ran = await s.run(['fsck', '--repair', '--json']);
    assert.equal(ran.code, 4, ran.stderr);
    const { repaired, reimport } = ran.json<FsckResult>();
    if (!inPacks) assert.match(ran.stderr, /could not be used by its owner \(mode 0000\); it is 0700 now/);
    assert.deepEqual(repaired.map(({ kind, action }) => `${kind} ${action}`).sort(), [
      'blob marked as gone',
      'blob quarantined',
      'object counted anew',
      ...(inPacks ? ['object metadata set again'] : []),
      'tree dropped',
      'tree dropped',
    ]);
    assert.deepEqual(reimport, ['example.com/b']);
  });
  await t.test('and an import the rest', async () => {
    await s.ok(['import', s.path('b.aci')]);
    await s.ok(['check']);
    await s.ok(['fsck']);
    await s.ok(['gc', '--images', '--grace-period', '0']);
    assert.deepEqual(objectsOf(s.store), []);
  });
});

test('a tree whose own directory may not be entered is dropped', { skip: NEEDS_ROOT }, async (t) => {
  const s = new PlainStore(t);
  const root = await s.image('a', [{ name: 'f', content: 'f' }], 'link');
  fs.chmodSync(join(root, '..'), 0);
  await s.run(['check']).then(({ code }) => assert.equal(code, 4));
  const { repaired, ok } = await s.json<FsckResult>(['fsck', '--repair']);
  assert.deepEqual([repaired.map(({ action }) => action), ok], [['dropped'], true]);
  await s.ok(['render', 'example.com/a']);
});

test('a directory that is none any more hides nothing', async (t) => {
  const s = new TestStore(t);
  const entries = [
    { name: 'd', flag: '5' },
    { name: 'd/x', content: 'x' },
  ];
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }, entries)]);
  const [{ path }] = await s.json<[Json]>(['render', '--mode', 'copy', 'example.com/a']);
  const dir = join(path as string, 'd');
  fs.rmSync(dir, { recursive: true });
  fs.writeFileSync(dir, '');
  const { damaged } = await s.json<CheckResult>(['check'], 4);
  const told = damaged.map((each) => `${each.path} ${each.what}`);
  assert.ok(told.includes('d a file instead of a dir') && told.includes('d/x missing'), told.join('\n'));
});

test('what cannot be deleted is said, and keeps no result back', { skip: NEEDS_ROOT }, async (t) => {
  const s = new PlainStore(t);
  for (const option of ['--repair', '--rebuild-index']) {
    const root = await s.image('a', [{ name: 'f', content: 'f' }], 'copy');
    const rootOwned = join(root, 'root-was-here');
    fs.mkdirSync(rootOwned);
    fs.writeFileSync(join(rootOwned, 'file'), '');
    const ran = await s.ok(['fsck', option, '--json']);
    assert.match(ran.stderr, /left behind: .*permission denied/);
    const { repaired, droppedTrees = repaired.length } = ran.json<FsckResult & { droppedTrees?: number }>();
    assert.equal(droppedTrees, 1, option);
  }
});

test('modes that an image gives its files deny nothing to the owner of the store', { skip: NEEDS_ROOT }, async (t) => {
  const s = new PlainStore(t);
  const entries: EntrySpec[] = [
    { name: 'shadow', content: 'secret', mode: 0 },
    { name: 'closed', flag: '5', mode: 0 },
    { name: 'closed/f', content: 'f', mode: 0 },
  ];
  await s.image('a', entries, 'link');
  await s.ok(['check']);
  await s.image('b', entries, 'copy');
  await s.ok(['check']);
});
