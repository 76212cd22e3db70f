/** The owner of a store: owners, modes, and a store behind a symlink. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../engine/store.js';
import { aci } from '../fixtures/archive.js';
import { TestStore } from '../fixtures/store.js';

const NEEDS_ROOT = process.geteuid?.() === 0 ? false : 'only root can be someone else';
const NOBODY = 65_534;

const modeOf = (path: string): number => fs.statSync(path).mode & 0o7777;

test('what others could enter is closed to them, and that is said', async (t) => {
  const s = new TestStore(t);
  await s.ok(['put', s.write('blob', 'blob')]);
  const dirs = ['', 'objects', 'index', 'blobs/sha512'].map((name) => join(s.store, name));
  for (const dir of dirs) assert.equal(modeOf(dir), 0o700);
  for (const dir of dirs) fs.chmodSync(dir, 0o755);
  const { stderr } = await s.ok(['put', s.path('blob')]);
  for (const dir of dirs) {
    assert.equal(modeOf(dir), 0o700, dir);
    assert.match(stderr, new RegExp(`${fs.realpathSync(dir)} could be entered by others \\(mode 0755\\)`));
  }
  assert.equal((await s.ok(['put', s.path('blob')])).stderr, '');
});

test('a store of another user is refused unless asked for', { skip: NEEDS_ROOT }, async (t) => {
  const s = new TestStore(t);
  await s.ok(['put', s.write('blob', 'blob')]);
  const chown = (): void => assert.equal(spawnSync('chown', ['-R', `${NOBODY}`, s.store]).status, 0);
  chown();
  await t.test('also to root, who writes nothing there', async () => {
    for (const args of [['put', s.path('blob')], ['gc'], ['fsck', '--repair']])
      assert.equal((await s.refused(args, 'ERR_FOREIGN_STORE', 1)).path, fs.realpathSync(s.store));
    assert.equal(spawnSync('find', [s.store, '-user', '0']).stdout.length, 0);
  });
  await t.test('reading needs no leave, and leaves nothing', async () => {
    const { stderr } = await s.ok(['fsck']);
    assert.match(stderr, /belongs to another user: it is only read/);
    assert.equal(spawnSync('find', [s.store, '-user', '0']).stdout.length, 0);
  });
  await t.test('its owner goes on', async () => {
    fs.chmodSync(s.dir, 0o755);
    await s.ok(['put', '-'], { uid: NOBODY, input: Buffer.from('mine') });
  });
  await t.test('--allow-foreign-store and `foreign` use it', async () => {
    await s.ok(['--allow-foreign-store', 'put', s.path('blob')]);
    const store = await openStore({ dir: s.store, foreign: true });
    await store.put(s.path('blob'));
    await store.close();
    await assert.rejects(openStore({ dir: s.store }), { code: 'ERR_FOREIGN_STORE' });
  });
  await t.test('one directory in it is enough', async () => {
    assert.equal(spawnSync('chown', ['-R', '0', s.store]).status, 0);
    await s.ok(['put', s.path('blob')]);
    fs.chownSync(join(s.store, 'objects'), NOBODY, NOBODY);
    await s.refused(['put', s.path('blob')], 'ERR_FOREIGN_STORE', 1);
  });
  await t.test('an empty directory of another user does not become a store', async () => {
    const dir = s.path('theirs');
    fs.mkdirSync(dir);
    fs.chownSync(dir, NOBODY, NOBODY);
    await s.refused(['put', s.path('blob')], 'ERR_FOREIGN_STORE', 1, { store: dir });
    assert.deepEqual(fs.readdirSync(dir), []);
  });
});

test('a store behind a symlink is found once, when it is opened', async (t) => {
  const s = new TestStore(t);
  await s.ok(['put', s.write('blob', 'blob')]);
  fs.mkdirSync(s.path('elsewhere'));
  const link = s.path('link');
  fs.symlinkSync('store', link);
  const store = await openStore({ dir: link });
  t.after(() => store.close());
  const importing = store.import(s.write('big.aci', aci({ name: 'example.com/big' }, bigEntries())));
  fs.unlinkSync(link);
  fs.symlinkSync('elsewhere', link);
  await importing;
  const { path } = await store.render('example.com/big', { mode: 'link' });
  await store.gc({ graceMs: 0, dryRun: true });
  assert.ok(path.startsWith(fs.realpathSync(s.store)));
  assert.deepEqual(fs.readdirSync(s.path('elsewhere')), [], 'nothing escaped');
  assert.equal((await s.json<{ ok: boolean }>(['fsck'])).ok, true);
});

function bigEntries(): { name: string; content: Buffer }[] {
  return Array.from({ length: 40 }, (_none, n) => ({ name: `f${n}`, content: Buffer.alloc(200_000, `${n} `) }));
}
