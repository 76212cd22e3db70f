/** Objects whose content is right and whose metadata is not: told as that, and set right by a repair. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fromText } from '../../engine/core/bytes.js';
import { listXattrs, removeXattr, setXattr } from '../../engine/disk/xattrs.js';
import type { CheckResult } from '../../engine/verify/check.js';
import type { FsckResult } from '../../engine/verify/fsck.js';
import type { EntrySpec } from '../fixtures/archive.js';
import { type Json, TestStore } from '../fixtures/store.js';
import { filesOnly } from '../fixtures/stored-objects.js';

const NEEDS_ROOT = process.geteuid?.() === 0 ? false : 'only root can give files away';
const NOBODY = 65_534;
const RESET = 'metadata set again';

const own = (name: string, more: Partial<EntrySpec> = {}): EntrySpec => ({ name, content: `only in ${name}`, ...more });

/** The file of the one object with this content. */
function objectWith(store: string, content: string): string {
  const entries = fs.readdirSync(join(store, 'objects'), { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const path = files.find((file) => fs.readFileSync(file, 'utf8') === content);
  assert.ok(path, `no object with ${content}`);
  return path;
}

async function imported(t: TestContext, entries: readonly EntrySpec[]): Promise<TestStore> {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }, entries)]);
  return s;
}

const look = (path: string): unknown[] => {
  const { mode, uid, gid, mtimeMs } = fs.statSync(path);
  return [mode, uid, gid, mtimeMs];
};

/** Puts an extended attribute on a file. @returns false where the file system has none */
function canLabel(path: string): boolean {
  try {
    setXattr(fromText(path), { name: 'user.rot', value: Buffer.from('rot') });
    return true;
  } catch {
    return false;
  }
}

/** Flips a bit. @param keepTime leaves no other trace */
function spoil(path: string, keepTime: boolean): void {
  const { atime, mtime } = fs.statSync(path);
  const bytes = fs.readFileSync(path);
  bytes[0] = (bytes[0] as number) ^ 0x10;
  fs.writeFileSync(path, bytes);
  if (keepTime) fs.utimesSync(path, atime, mtime);
}

test('a repair sets metadata again, and puts nothing in quarantine', { skip: NEEDS_ROOT || filesOnly }, async (t) => {
  const names = ['mode', 'owner', 'time', 'xattr', 'whole'];
  const s = await imported(t, [
    ...names.map((name) => own(name)),
    own('closed', { mode: 0 }),
    own('suid', { mode: 0o4755 }),
  ]);
  const [{ path: root, treeId }] = await s.json<[Json]>(['render', 'example.com/a']);
  const object = (name: string): string => objectWith(s.store, `only in ${name}`);
  const all = [...names, 'closed', 'suid'];
  const before = all.map((name) => look(object(name)));
  fs.chmodSync(object('mode'), 0o666);
  fs.chmodSync(object('closed'), 0o600);
  fs.chownSync(object('owner'), 7, 7);
  fs.chownSync(object('suid'), 7, 7); // takes the setuid bit, too
  fs.utimesSync(join(root as string, 'time'), 1, 1); // a name of the same file
  const wrong = ['mode', 'mode', 'mode', 'mtime', 'owner', 'owner'];
  if (canLabel(object('xattr'))) wrong.unshift('extended');

  await t.test('check tells that it is metadata, quick or not', async () => {
    for (const more of [[], ['--quick']]) {
      const { damaged, reimport } = await s.json<CheckResult>(['check', ...more], 4);
      const objects = damaged.filter(({ kind }) => kind === 'object');
      assert.deepEqual(objects.map(({ what }) => what.split(' ')[0]).sort(), wrong);
      assert.ok(damaged.every(({ metadata }) => metadata === true));
      assert.ok(damaged.every(({ kind, object: named }) => (kind === 'tree') === (named !== undefined)));
      assert.deepEqual(reimport, []);
    }
  });
  await t.test('also to people', async () => {
    const told = (await s.run(['check'])).stdout.toString();
    assert.match(told, /^metadata differs: object [0-9a-f]{128}\.0644\S+: mtime 1 instead of /m);
    assert.match(told, /^checked .*: \d+ with other metadata; run "cairn fsck --repair"$/m);
    const quick = (await s.run(['check', '--quick'])).stdout.toString();
    assert.match(quick, /^looked at .*, and hashed nothing: \d+ with other metadata; run "cairn fsck --repair"$/m);
  });
  await t.test('the repair', async () => {
    const { repaired, quarantined, reimport, ok } = await s.json<FsckResult>(['fsck', '--repair']);
    assert.deepEqual(new Set(repaired.map(({ kind, action }) => `${kind} ${action}`)), new Set([`object ${RESET}`]));
    assert.deepEqual([quarantined, reimport, ok], [[], [], true]);
    assert.deepEqual(
      all.map((name) => look(object(name))),
      before,
    );
    assert.equal(listXattrs(fromText(object('xattr')))?.has('user.rot') ?? false, false);
    assert.equal((await s.json<CheckResult>(['check'])).ok, true);
    const trees = await s.json<Json[]>(['tree', 'ls']);
    assert.deepEqual(
      trees.map((tree) => tree['treeId']),
      [treeId],
    );
  });
});

test('extended attributes come back from the table of contents', { skip: NEEDS_ROOT || filesOnly }, async (t) => {
  const pax = { 'SCHILY.xattr.user.one': 'first', 'SCHILY.xattr.user.two': 'second' };
  const s = await imported(t, [own('x', { pax })]);
  const object = objectWith(s.store, 'only in x');
  const listed = (): [string, string][] =>
    [...(listXattrs(fromText(object)) ?? [])]
      .map(([name, value]) => [name, value.toString()] as [string, string])
      .sort();
  if (listed().length === 0) return t.skip('the file system has no attributes');
  const before = listed();
  removeXattr(fromText(object), 'user.one');
  setXattr(fromText(object), { name: 'user.two', value: Buffer.from('other') });
  setXattr(fromText(object), { name: 'user.more', value: Buffer.from('more') });
  await s.json<CheckResult>(['check'], 4);
  const { repaired } = await s.json<FsckResult>(['fsck', '--repair']);
  assert.deepEqual(
    repaired.map(({ action }) => action),
    [RESET],
  );
  assert.deepEqual(listed(), before);
  await s.ok(['check']);
});

test('content that differs is told as content, whatever else does', { skip: filesOnly }, async (t) => {
  for (const keepTime of [true, false]) {
    const s = await imported(t, [own('a'), own('b')]);
    await s.ok(['render', 'example.com/a']);
    spoil(objectWith(s.store, 'only in a'), keepTime);
    const { damaged } = await s.json<CheckResult>(['check'], 4);
    const content = 'content does not have the hash it is named by';
    assert.deepEqual(
      damaged.map(({ kind, what, metadata }) => [kind, what, metadata]),
      [
        ['object', content, undefined],
        ['tree', `its object: ${content}`, undefined],
      ],
    );
    const { repaired, quarantined, reimport } = await s.json<FsckResult>(['fsck', '--repair'], 4);
    assert.deepEqual(repaired.map(({ action }) => action).sort(), ['dropped', 'marked as gone', 'quarantined']);
    assert.deepEqual([quarantined.length, reimport], [1, ['example.com/a']]);
    await t.test('after the repair check says what to import', async () => {
      const again = await s.run(['check']);
      assert.match(again.stdout.toString(), /: 1 damaged; import again: example\.com\/a$/m);
      assert.deepEqual((await s.json<CheckResult>(['check', 'example.com/a'], 4)).reimport, ['example.com/a']);
    });
    await t.test('beside something new it says both', async () => {
      fs.utimesSync(objectWith(s.store, 'only in b'), 1, 1);
      const again = await s.run(['check']);
      assert.match(
        again.stdout.toString(),
        /: 1 damaged, 1 with other metadata; run "cairn fsck --repair"; import again: example\.com\/a$/m,
      );
    });
  }
});

test('a store that was copied without its metadata is whole after a repair', { skip: filesOnly }, async (t) => {
  const s = await imported(t, [own('a'), own('b', { mode: 0o755, pax: { mtime: '1.5' } })]);
  await s.ok(['backup', s.path('backup')]);
  const copy = new TestStore(t);
  execFileSync('cp', ['-r', s.path('backup'), copy.store]);
  const { damaged } = await copy.json<CheckResult>(['check'], 4);
  assert.ok(damaged.length >= 2 && damaged.every(({ metadata }) => metadata === true));
  const { quarantined, ok } = await copy.json<FsckResult>(['fsck', '--repair']);
  assert.deepEqual([quarantined, ok], [[], true]);
  await copy.ok(['check']);
  await copy.ok(['render', 'example.com/a']);
});

test('what may not be set is noted and told', { skip: NEEDS_ROOT || filesOnly }, async (t) => {
  const s = await imported(t, [own('a', { mode: 0o4755 }), own('closed', { mode: 0 })]);
  for (const path of [s.dir, s.store, ...below(s.store)]) fs.lchownSync(path, NOBODY, NOBODY);
  fs.chmodSync(objectWith(s.store, 'only in closed'), 0);
  const asNobody = (args: string[]): ReturnType<TestStore['run']> => s.run(args, { uid: NOBODY, cwd: '/' });
  const ran = await asNobody(['fsck', '--repair', '--json']);
  assert.equal(ran.code, 0, ran.stderr);
  const { repaired, quarantined } = ran.json<FsckResult>();
  const told = repaired.filter(({ kind }) => kind === 'object').map(({ action, what }) => `${action}: ${what}`);
  assert.equal(told.length, 2, told.join('\n'));
  for (const each of told) assert.match(each, /^metadata set again: .*; not set: mode, owner$/);
  assert.deepEqual(quarantined, []);
  assert.equal((await asNobody(['check'])).code, 0);
});

function below(dir: string): string[] {
  return fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => join(dir, name));
}
