/** Owners, and attributes with owners, in checkouts and trees: they give no rights beyond those inside the image. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listXattrs } from '../../engine/disk/xattrs.js';
import { openStore } from '../../engine/store.js';
import { aci } from '../fixtures/archive.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { TestStore } from '../fixtures/store.js';

keepThreads();

const asRoot = { skip: process.geteuid?.() === 0 ? false : 'needs root' };
const SHIFT = 100_000;

/** Little-endian words. */
function words(...all: number[]): Buffer {
  const bytes = Buffer.alloc(4 * all.length);
  all.forEach((word, i) => {
    bytes.writeUInt32LE(word >>> 0, 4 * i);
  });
  return bytes;
}

const EFFECTIVE = 1;
const SETUID = 1 << 7;
const CAPABILITY = words(0x0200_0000 | EFFECTIVE, SETUID, 0, 0, 0);
/** Version, then tag and permissions in one word, and an id: the owner, user 7, the group, the mask, others. */
const ACL = words(
  2,
  0x0006_0001,
  0xffff_ffff,
  0x0004_0002,
  7,
  0x0004_0004,
  0xffff_ffff,
  0x0004_0010,
  0xffff_ffff,
  0x0000_0020,
  0xffff_ffff,
);

async function imported(s: TestStore): Promise<void> {
  const entries = [
    { name: 'capable', content: 'x', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': CAPABILITY } },
    { name: 'listed', content: 'y', mode: 0o640, pax: { 'SCHILY.xattr.system.posix_acl_access': ACL } },
    { name: 'setuid', content: 'z', mode: 0o4755, uid: 65_534, gid: 65_534 },
  ];
  await s.ok(['import', s.write('app.aci', aci({ name: 'example.com/app' }, entries))]);
}

test('shifting owners shifts capabilities and access control lists', asRoot, async (t) => {
  const s = new TestStore(t);
  await imported(s);
  await s.ok(['checkout', '--rootfs-only', '--uid-shift', `${SHIFT}`, 'example.com/app', s.path('out')]);
  const capability = listXattrs(s.path('out/capable'))?.get('security.capability');
  assert.deepEqual(capability, words(0x0300_0000 | EFFECTIVE, SETUID, 0, 0, 0, SHIFT));
  const acl = listXattrs(s.path('out/listed'))?.get('system.posix_acl_access');
  if (acl !== undefined) assert.equal(acl.readUInt32LE(4 + 8 + 4), 7 + SHIFT);
});

test('an access control list does not make a file another than its layer says', asRoot, async (t) => {
  const s = new TestStore(t);
  await imported(s);
  await s.ok(['render', 'example.com/app']);
  await s.ok(['check']);
});

test('nobody else can enter a checkout before every file of it has its owner', asRoot, async (t) => {
  const s = new TestStore(t);
  await imported(s);
  await using store = await openStore({ dir: s.store });
  const seen: number[] = [];
  const onProgress = (): void => {
    for (const name of fs.readdirSync(s.dir)) {
      if (name.startsWith('.out')) seen.push(fs.statSync(join(s.dir, name)).mode & 0o777);
    }
  };
  await store.checkout('example.com/app', s.path('bare'), { rootfsOnly: true });
  assert.equal(fs.statSync(s.path('bare')).mode & 0o7777, 0o755);
  await store.checkout('example.com/app', s.path('out'), { onProgress });
  assert.ok(seen.length > 0);
  assert.ok(seen.every((mode) => mode === 0o700));
  assert.equal(fs.statSync(s.path('out')).mode & 0o777, 0o755);
});

test('whoever exchanges a checkout that is being made leads it nowhere', asRoot, async (t) => {
  const s = new TestStore(t);
  await imported(s);
  await using store = await openStore({ dir: s.store, workers: 1 });
  const elsewhere = s.path('elsewhere');
  fs.mkdirSync(elsewhere);
  // Acts as soon as the directory exists, as the owner of its parent could.
  const watcher = fs.watch(s.dir, (_event, name) => {
    if (name === null || !/^\.out\.cairn-[0-9a-f]+$/.test(name) || !fs.existsSync(s.path(name))) return;
    if (fs.existsSync(s.path('taken'))) return;
    fs.renameSync(s.path(name), s.path('taken'));
    fs.symlinkSync(elsewhere, s.path(name));
  });
  await store.checkout('example.com/app', s.path('out')).catch(() => undefined);
  watcher.close();
  assert.deepEqual(fs.readdirSync(elsewhere), []);
});
