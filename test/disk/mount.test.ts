/** Mounting by single options: what is mounted, what the kernel says when it refuses, paths longer than an option. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import { createMount, mountFilesystem, unmount } from '../../engine/disk/mount.js';
import { mountAt, mountsBelow } from '../../engine/disk/mounts.js';
import { cannotMount, mountingDirectory } from '../fixtures/mounting.js';

const skip = cannotMount();

/** The directories that an overlay needs, some way down. */
function overlayIn(dir: string): { lower: string[]; upper: string; work: string; target: string } {
  const lower = ['one', 'two'].map((name) => join(dir, name));
  const [upper, work, target] = ['upper', 'work', 'target'].map((name) => join(dir, name)) as [string, string, string];
  for (const each of [...lower, upper, work, target]) fs.mkdirSync(each, { recursive: true });
  for (const each of lower) fs.writeFileSync(join(each, 'file'), each);
  return { lower, upper, work, target };
}

function mountOverlay(dir: string): ReturnType<typeof overlayIn> {
  const places = overlayIn(dir);
  const { lower, upper, work, target } = places;
  mountFilesystem({
    type: 'overlay',
    options: [
      ['source', 'cairn'],
      ...lower.map((each) => ['lowerdir+', each] as const),
      ['upperdir', upper],
      ['workdir', work],
    ],
    attributes: ['nosuid', 'nodev'],
    target,
  });
  return places;
}

test('an overlay of several directories is mounted, listed, written to and unmounted', { skip }, (t) => {
  const dir = mountingDirectory(t);
  const { lower, upper, target } = mountOverlay(dir);
  assert.equal(fs.readFileSync(join(target, 'file'), 'utf8'), lower[0], 'the first is the uppermost');
  fs.writeFileSync(join(target, 'new'), 'written');
  assert.equal(fs.readFileSync(join(upper, 'new'), 'utf8'), 'written');
  const mount = mountAt(target);
  assert.deepEqual([mount?.type, mount?.source], ['overlay', 'cairn']);
  assert.deepEqual(mountsBelow(dir), [target]);

  const open = fs.openSync(join(target, 'file'), 'r');
  assert.throws(
    () => unmount(target),
    (error) => isCairnError(error, 'ERR_HELD') && error.errno === 'EBUSY',
  );
  fs.closeSync(open);
  unmount(target);
  assert.equal(mountAt(target), undefined);
  assert.throws(
    () => unmount(target),
    (error) => isCairnError(error, 'ERR_NOT_FOUND') && error.path === target,
  );
});

test('a mount that is in use goes lazily', { skip }, (t) => {
  const { target } = mountOverlay(mountingDirectory(t));
  const open = fs.openSync(join(target, 'file'), 'r');
  unmount(target, { lazy: true });
  assert.equal(mountAt(target), undefined);
  assert.equal(fs.readFileSync(open, 'utf8').length > 0, true);
  fs.closeSync(open);
});

/** What descriptors lead to, but for what the runtime opens by itself: pipes, events, files of the kernel. */
function openFiles(): string[] {
  const targets = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // that of the listing itself
    }
  });
  return targets.filter((target) => /^(\/(?!proc|sys|dev)|anon_inode:\[(fscontext|mount))/.test(target)).sort();
}

test('paths longer than the kernel takes in an option', { skip }, (t) => {
  const deep = join(mountingDirectory(t), 'a'.repeat(200), 'b'.repeat(200), 'c'.repeat(240));
  const before = openFiles();
  const { lower, target } = mountOverlay(deep);
  assert.equal(fs.readFileSync(join(target, 'file'), 'utf8'), lower[0]);
  assert.deepEqual(openFiles(), before, 'no descriptor stays open');
});

test('a mount without a place is used by its descriptor and gone with it', { skip }, () => {
  const mount = createMount({ type: 'tmpfs', options: [['mode', '700'], 'ro'] });
  assert.equal(fs.statSync(`/proc/self/fd/${mount.fd}/`).mode & 0o777, 0o700);
  mount.close();
});

test('a refusal has the errno and the words of the kernel', { skip }, (t) => {
  const dir = mountingDirectory(t);
  const cases: [string, Parameters<typeof createMount>[0], RegExp, string][] = [
    ['ERR_UNSUPPORTED', { type: 'no-such-fs', options: [] }, /no-such-fs.*no such file system/, 'ENODEV'],
    [
      'ERR_UNSUPPORTED',
      { type: 'tmpfs', options: [['bad', 'value']] },
      /Unknown parameter 'bad'.*\(bad=value\)/,
      'EINVAL',
    ],
    ['ERR_IO', { type: 'overlay', options: [['lowerdir+', join(dir, 'missing')]] }, /overlay.*missing/, 'ENOENT'],
  ];
  for (const [code, fileSystem, message, errno] of cases) {
    assert.throws(
      () => createMount(fileSystem),
      (error) => {
        assert.ok(isCairnError(error), String(error));
        assert.deepEqual([error.code, error.errno], [code, errno]);
        assert.match(error.message, message);
        return true;
      },
    );
  }
  assert.throws(
    () => mountFilesystem({ type: 'tmpfs', options: [], target: join(dir, 'missing') }),
    (error) => isCairnError(error, 'ERR_IO') && error.errno === 'ENOENT' && error.path === join(dir, 'missing'),
  );
});
