/** Looking into a directory as a process does whose root it is. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromText } from '../../engine/core/bytes.js';
import { RootDirectory } from '../../engine/disk/root-directory.js';
import { temporaryDirectory } from '../fixtures/cli.js';

/** A root with files, `name → content`, links `name → link:target` and directories `name/`. */
function rootWith(dir: string, files: Readonly<Record<string, string>>): string {
  const root = join(dir, 'root');
  fs.mkdirSync(root, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    fs.mkdirSync(join(path, '..'), { recursive: true });
    if (name.endsWith('/')) fs.mkdirSync(path, { recursive: true });
    else if (content.startsWith('link:')) fs.symlinkSync(content.slice(5), path);
    else fs.writeFileSync(path, content);
  }
  return root;
}

const shown = ({ path, stat, lacks }: ReturnType<RootDirectory['find']>): string =>
  `${path} ${lacks ?? (stat?.isDirectory() ? 'dir' : stat?.isSymbolicLink() ? 'link' : 'file')}`;

test('links and .. stay inside, whatever they say', (t) => {
  const dir = temporaryDirectory(t);
  fs.writeFileSync(join(dir, 'secret'), 'host');
  const root = rootWith(dir, {
    'etc/passwd': 'inside',
    'usr/bin/x': '',
    bin: 'link:usr/bin',
    abs: 'link:/etc',
    up: 'link:../../../../etc/passwd',
    'deep/er/out': 'link:../../../secret',
    dangling: 'link:/nowhere/at/all',
    around: 'link:nowhere/../abs/passwd',
    loop: 'link:loop',
    one: 'link:two',
    two: 'link:one/x',
    host: `link:${dir}/secret`,
  });
  const inside = new RootDirectory(root);
  for (const [path, expected] of [
    ['/', '/ dir'],
    ['', '/ dir'],
    ['/../../..', '/ dir'],
    ['/etc/passwd', '/etc/passwd file'],
    ['etc//./passwd', '/etc/passwd file'],
    ['/bin/x', '/usr/bin/x file'],
    ['/bin/../x', '/usr/x missing'],
    ['/abs/passwd', '/etc/passwd file'],
    ['/up', '/etc/passwd file'],
    ['/deep/er/out', '/secret missing'],
    ['/dangling', '/nowhere/at/all missing'],
    ['/dangling/x', '/nowhere/at/all/x missing'],
    ['/around', '/etc/passwd file'],
    ['/loop', '/loop loop'],
    ['/one', '/one loop'],
    ['/etc/passwd/x', '/etc/passwd file'],
    ['/host', `${dir}/secret missing`],
    [`/${'x'.repeat(300)}`, `/${'x'.repeat(300)} missing`],
  ] as const) {
    assert.equal(shown(inside.find(path)), expected, path);
  }
  assert.equal(inside.find('/etc/passwd/x').lacks, 'file');
  assert.equal(shown(inside.find('/bin', { followLast: false })), '/bin link');
  assert.equal(shown(inside.find('/abs/', { followLast: false })), '/abs link');
});

test('regular files are read, up to a number of bytes; nothing else is', (t) => {
  const dir = temporaryDirectory(t);
  const root = rootWith(dir, { file: '0123456789', 'dir/': '', link: 'link:file' });
  execFileSync('mkfifo', [join(root, 'fifo')]);
  const inside = new RootDirectory(root);
  assert.equal(inside.read('/file', 4)?.toString(), '0123');
  for (const path of ['/fifo', '/dir', '/link', '/none']) assert.equal(inside.read(path, 4), undefined, path);
  assert.equal(
    inside.within('/dir', (path) => fs.readdirSync(path).length),
    0,
  );
  assert.equal(
    inside.within('/link', () => 1),
    undefined,
  );
});

test('names that are no text', (t) => {
  const root = rootWith(temporaryDirectory(t), {});
  fs.mkdirSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]));
  fs.symlinkSync(Buffer.from([0xff]), join(root, 'link'));
  fs.mkdirSync(join(root, 'grün'));
  const inside = new RootDirectory(root);
  assert.equal(shown(inside.find('/link')), '/\xff dir');
  assert.equal(shown(inside.find(fromText('/grün'))), `${fromText('/grün')} dir`);
});

test('what covers a part of the root shows in its place', (t) => {
  const dir = temporaryDirectory(t);
  const root = rootWith(dir, { 'data/': '', 'etc/passwd': '', to: 'link:/data/inner' });
  const volume = join(dir, 'volume');
  fs.mkdirSync(join(volume, 'inner'), { recursive: true });
  fs.symlinkSync('/etc', join(volume, 'etc'));
  const covered = new Map<string, string | undefined>([
    ['/data', volume],
    ['/proc', undefined],
    ['/not/there/yet', volume],
    ['/etc/hosts', join(volume, 'none')],
  ]);
  const inside = new RootDirectory(root, covered);
  for (const [path, expected] of [
    ['/to', '/data/inner dir'],
    ['/data/etc/passwd', '/etc/passwd file'],
    ['/data/../etc', '/etc dir'],
    ['/proc/self/fd', '/proc/self/fd unseen'],
    ['/not/there', '/not/there unseen'],
    ['/etc/hosts', '/etc/hosts missing'],
  ] as const) {
    assert.equal(shown(inside.find(path)), expected, path);
  }
});

test('a chain of forty links is followed, a longer one is a loop', (t) => {
  const links = Object.fromEntries(Array.from({ length: 41 }, (_none, i) => [`l${i}`, `link:l${i + 1}`]));
  const inside = new RootDirectory(rootWith(temporaryDirectory(t), { ...links, l41: 'end' }));
  assert.equal(shown(inside.find('/l1')), '/l41 file');
  assert.equal(inside.find('/l0').lacks, 'loop');
});
