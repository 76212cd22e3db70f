/** Builds whose directories somebody else has had in hand: nothing outside is read, and what is broken is told. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDocument } from '../../engine/build/edit.js';
import { tryLock } from '../../engine/disk/lock.js';
import type { Edit } from '../../engine/image/edit.js';
import { openBuilds, pathsOf, refused, treeOf } from '../fixtures/builds.js';

const b = await openBuilds();
const { store } = b;
await store.importDirectory(b.tree({ 'etc/a': 'a', 'etc/d/x': 'x' }), { name: 'base:1', format: 'oci' });

async function begin(from?: string): Promise<{ dir: string; root: string; notes: string }> {
  const dir = b.fresh('build');
  const { path } = await store.beginBuild(dir, from === undefined ? {} : { from });
  return { dir, root: path, notes: join(dir, '.cairn-build') };
}

const EDIT: readonly Edit[] = [{ add: 'environment', name: 'A', value: '1' }];

const BROKEN: readonly [what: string, break_: (path: string) => void][] = [
  ['missing', (path) => fs.rmSync(path)],
  ['empty', (path) => fs.writeFileSync(path, '')],
  ['no JSON', (path) => fs.writeFileSync(path, '{')],
  ['a version to come', (path) => fs.writeFileSync(path, '{"version":99,"format":"aci"}')],
  ['another format', (path) => fs.writeFileSync(path, '{"version":1,"format":"deb"}')],
  ['a base that is none', (path) => fs.writeFileSync(path, '{"version":1,"format":"oci","base":{"key":"../x"}}')],
  ['a trap', (path) => fs.writeFileSync(path, '{"__proto__":1}')],
  ['a directory', (path) => inPlaceOf(path, () => fs.mkdirSync(path))],
  ['a symlink', (path) => inPlaceOf(path, () => fs.symlinkSync('/etc/passwd', path))],
  ['too large', (path) => fs.truncateSync(path, 2 ** 31)],
];

function inPlaceOf(path: string, make: () => void): void {
  fs.rmSync(path);
  make();
}

test('a broken state is told, and breaks nothing', async (t) => {
  for (const [what, break_] of BROKEN) {
    await t.test(what, async () => {
      const { dir, notes } = await begin('base:1');
      break_(join(notes, 'state.json'));
      await refused(store.editBuild(dir, EDIT), 'ERR_BAD_BUILD', /state\.json/);
      await refused(store.writeBuild(dir, { name: 'x:1' }), 'ERR_BAD_BUILD', /state\.json/);
      await store.endBuild(dir);
    });
  }
});

test('broken notes of the base are told', async () => {
  const { dir, notes } = await begin('base:1');
  const path = join(notes, 'base');
  const bytes = fs.readFileSync(path);
  for (const broken of [
    bytes.subarray(0, 40),
    bytes.subarray(0, -1),
    Buffer.concat([bytes.subarray(0, 60), Buffer.from([7]), bytes.subarray(61)]),
  ]) {
    fs.writeFileSync(path, broken);
    await refused(store.writeBuild(dir, { name: 'x:1' }), 'ERR_BAD_BUILD', /\/base: /);
  }
});

test('a working manifest that breaks a rule is told, and one that is no file is not followed', async () => {
  const { dir } = await begin();
  const path = join(dir, 'manifest');
  fs.writeFileSync(path, '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"BAD"}');
  await refused(store.editBuild(dir, EDIT), 'ERR_BAD_MANIFEST', /ACIdentifier/);
  fs.rmSync(path);
  fs.symlinkSync('/etc/hostname', path);
  await refused(store.editBuild(dir, EDIT), 'ERR_BAD_BUILD');
  assert.throws(() => readDocument(dir), /manifest/);
  await refused(store.writeBuild(dir, { name: 'example.com/x' }), 'ERR_BAD_BUILD');
});

test('symlinks in the tree are written as such, whatever they lead to', async () => {
  const { dir, root } = await begin('base:1');
  const outside = b.tree({ x: 'secret', new: 'secret' });
  fs.rmSync(join(root, 'etc/d'), { recursive: true });
  fs.symlinkSync(outside, join(root, 'etc/d'));
  fs.symlinkSync('/etc/passwd', join(root, 'passwd'));
  for (const as of ['layer', 'squash'] as const) {
    const { key } = await store.writeBuild(dir, { name: 'links:1', as });
    assert.deepEqual(await pathsOf(store, key), ['.', 'etc', 'etc/a', 'etc/d', 'passwd']);
    assert.deepEqual((await treeOf(store, key)).at(3)?.link, outside);
  }
  fs.rmSync(root, { recursive: true });
  fs.symlinkSync(outside, root);
  await refused(store.writeBuild(dir, { name: 'links:2' }), 'ERR_IO');
});

test('two commands cannot be at work on the same build', async () => {
  const { dir, notes } = await begin();
  const held = tryLock(join(notes, 'lock'), true);
  await refused(store.editBuild(dir, EDIT), 'ERR_HELD', /another command is at work/);
  await refused(store.writeBuild(dir, { name: 'example.com/x' }), 'ERR_HELD');
  await refused(store.copyIntoBuild(dir, ['/etc/hostname'], '/x'), 'ERR_HELD');
  await refused(store.endBuild(dir), 'ERR_HELD');
  held?.release();
  await store.editBuild(dir, EDIT);
  assert.deepEqual(fs.readdirSync(notes).sort(), ['base', 'state.json']);
});

test('edits are all made, or none', async () => {
  const { dir } = await begin();
  const before = readDocument(dir);
  await refused(store.editBuild(dir, [...EDIT, { remove: 'label', name: 'nothing' }]), 'ERR_NOT_FOUND');
  assert.deepEqual(readDocument(dir), before);
});
