/** Copies of directories, with all that is in them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromText } from '../../engine/core/bytes.js';
import { copyDirectory } from '../../engine/disk/copy-directory.js';
import { mknod } from '../../engine/disk/native.js';
import { fileStat } from '../../engine/disk/stat.js';
import { listXattrs, setXattr } from '../../engine/disk/xattrs.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const isRoot = process.geteuid?.() === 0;

test('a copy has everything that its source has', async (t) => {
  const dir = temporaryDirectory(t);
  const [from, to] = [join(dir, 'from'), join(dir, 'to')];
  fs.mkdirSync(join(from, 'sub'), { recursive: true });
  fs.mkdirSync(to);
  fs.writeFileSync(join(from, 'file'), 'content');
  fs.linkSync(join(from, 'file'), join(from, 'sub', 'again'));
  fs.symlinkSync('nowhere', join(from, 'link'));
  fs.symlinkSync(Buffer.from([0x2e, 0xff]), Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0xfe])]));
  execFileSync('mkfifo', [join(from, 'fifo')]);
  setXattr(fromText(join(from, 'file')), { name: 'user.key', value: Buffer.from([0, 1]) });
  if (isRoot) {
    mknod(fromText(join(from, 'null')), 0o020000, 0o600, { devMajor: 1, devMinor: 3 });
    fs.chownSync(join(from, 'file'), 5, 6);
    fs.lchownSync(join(from, 'link'), 7, 8);
  }
  fs.chmodSync(join(from, 'file'), isRoot ? 0o4751 : 0o751);
  fs.chmodSync(join(from, 'sub'), 0o1700);
  fs.lutimesSync(join(from, 'link'), 5, 5.25);
  fs.utimesSync(join(from, 'sub'), 6, 6.5);
  fs.chmodSync(from, 0o711);
  const skipped: string[] = [];
  await copyDirectory(fromText(from), fromText(to), { onSkipped: (kind, path) => skipped.push(`${kind} ${path}`) });
  assert.deepEqual(skipped, []);
  for (const name of ['', '/file', '/sub', '/sub/again', '/link', '/fifo', '/\xfe', ...(isRoot ? ['/null'] : [])]) {
    const [one, other] = [from, to].map((root) => {
      const stat = fileStat(fromText(root) + name);
      assert.ok(stat !== undefined, name);
      // What a copy cannot share with its source.
      const { ino: _ino, device: _device, size: _size, changedSec: _sec, changedNsec: _nsec, ...shared } = stat;
      return shared;
    });
    assert.deepEqual(other, one, name);
  }
  assert.equal(fs.readFileSync(join(to, 'sub', 'again'), 'utf8'), 'content');
  assert.equal(fs.statSync(join(to, 'file')).ino, fs.statSync(join(to, 'sub', 'again')).ino);
  assert.equal(fs.readlinkSync(join(to, 'link')), 'nowhere');
  assert.deepEqual(listXattrs(fromText(join(to, 'file')))?.get('user.key'), Buffer.from([0, 1]));
});

test('a copy stops when it is told to', async (t) => {
  const dir = temporaryDirectory(t);
  const [from, to] = [join(dir, 'from'), join(dir, 'to')];
  for (const each of [from, to]) fs.mkdirSync(each);
  fs.writeFileSync(join(from, 'file'), '');
  const signal = AbortSignal.abort();
  await assert.rejects(copyDirectory(fromText(from), fromText(to), { signal }), { code: 'ERR_ABORTED' });
});
