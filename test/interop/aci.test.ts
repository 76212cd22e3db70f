/** ACIs of cairn in other programs, and theirs in cairn. A test whose peer is missing is skipped and says so. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { aci, manifest } from '../fixtures/archive.js';
import { cairn, temporaryDirectory } from '../fixtures/cli.js';
import { describeTree } from '../fixtures/tree.js';

function missing(program: string): string | false {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  return found ? false : `${program} is not installed`;
}

function run(program: string, args: readonly string[], cwd?: string): string {
  const done = spawnSync(program, args, { encoding: 'utf8', ...(cwd === undefined ? {} : { cwd }) });
  assert.equal(done.status, 0, `${program} ${args.join(' ')}: ${done.stderr}`);
  return done.stdout;
}

const APP = {
  name: 'example.com/app',
  labels: { version: '1.0.0', os: 'linux', arch: 'amd64' },
  more: { app: { exec: ['/bin/app'], user: '0', group: '0' } },
};

/** Imports an image and gives its key. */
async function imported(dir: string, archive: Buffer): Promise<{ key: string; store: string }> {
  const source = join(dir, 'source.aci');
  fs.writeFileSync(source, archive);
  const store = join(dir, 'store');
  const [{ key }] = (await cairn(['import', '--json', source], { store })).json<[{ key: string }]>();
  return { key, store };
}

test('actool accepts an exported ACI, plain and gzipped', { skip: missing('actool') }, async (t: TestContext) => {
  const dir = temporaryDirectory(t);
  const { key, store } = await imported(
    dir,
    aci(APP, [
      { name: 'bin', flag: '5' },
      { name: 'bin/app', mode: 0o755, content: '#!' },
    ]),
  );
  for (const compress of ['none', 'gzip']) {
    const file = join(dir, `${compress}.aci`);
    assert.equal((await cairn(['export', '--compress', compress, key, file], { store })).code, 0);
    run('actool', ['validate', file]);
  }
});

test('sha512sum of an uncompressed export is the key', { skip: missing('sha512sum') }, async (t: TestContext) => {
  const dir = temporaryDirectory(t);
  const { key, store } = await imported(dir, aci(APP, [{ name: 'f', content: 'x'.repeat(3_000_000) }]));
  const file = join(dir, 'export.aci');
  assert.equal((await cairn(['export', key, file], { store })).code, 0);
  assert.equal(`sha512-${run('sha512sum', [file]).split(' ')[0]}`, key);
});

test('sha512sum alone verifies every object', { skip: missing('sha512sum') }, async (t: TestContext) => {
  const dir = temporaryDirectory(t);
  const { store } = await imported(
    dir,
    aci(APP, [
      { name: 'a', content: 'a' },
      { name: 'b', content: 'b', mtime: 7 },
    ]),
  );
  const objects = join(store, 'objects');
  for (const shard of fs.readdirSync(objects)) {
    for (const name of fs.readdirSync(join(objects, shard))) {
      const [sum] = run('sha512sum', [join(objects, shard, name)]).split(' ');
      assert.equal(sum, shard + name.slice(0, 126));
    }
  }
});

test('an archive that GNU tar made renders as GNU tar extracts it', {
  skip: missing('tar'),
}, async (t: TestContext) => {
  const dir = temporaryDirectory(t);
  const root = join(dir, 'image', 'rootfs');
  fs.mkdirSync(join(root, 'deep', 'er'), { recursive: true });
  fs.writeFileSync(join(dir, 'image', 'manifest'), manifest(APP));
  fs.writeFileSync(join(root, 'deep', 'file'), 'content', { mode: 0o640 });
  fs.linkSync(join(root, 'deep', 'file'), join(root, 'deep', 'er', 'link'));
  fs.symlinkSync('../file', join(root, 'deep', 'er', 'symlink'));
  fs.writeFileSync(join(root, 'ünïcode and a long name '.repeat(6)), 'x');
  fs.chmodSync(join(root, 'deep', 'file'), 0o4750);
  fs.utimesSync(join(root, 'deep'), 1_700_000_000.5, 1_700_000_000.5);
  for (const format of ['gnu', 'pax', 'posix']) {
    const archive = join(dir, `${format}.aci`);
    run('tar', [`--format=${format}`, '--numeric-owner', '-cf', archive, 'manifest', 'rootfs'], join(dir, 'image'));
    const store = join(dir, `store-${format}`);
    assert.equal((await cairn(['import', archive], { store })).code, 0);
    const [{ path }] = (await cairn(['render', '--json', 'example.com/app'], { store })).json<[{ path: string }]>();
    const extracted = join(dir, `extracted-${format}`);
    fs.mkdirSync(extracted);
    run('tar', ['--numeric-owner', '-xpf', archive, '-C', extracted]);
    assert.deepEqual(describeTree(path), describeTree(join(extracted, 'rootfs')), format);
    const packed = join(dir, `${format}.tar`);
    assert.equal((await cairn(['export', '--format', 'tar', 'example.com/app', packed], { store })).code, 0);
    const again = join(dir, `again-${format}`);
    fs.mkdirSync(again);
    run('tar', ['--numeric-owner', '-xpf', packed, '-C', again]);
    assert.deepEqual(describeTree(again), describeTree(path), `${format}, exported`);
  }
});
