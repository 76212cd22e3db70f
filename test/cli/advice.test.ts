/** What messages advise: it can be typed, and it helps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EntrySpec, tar } from '../fixtures/archive.js';
import { dockerArchive, ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

const LAYER = tar([{ name: 'f', content: 'f' }]);

test('an import tells the names that an image got which was here', async (t) => {
  const s = new TestStore(t);
  const source = s.write('layer.tar', LAYER);
  const told = async (...args: string[]): Promise<string> =>
    (await s.ok(['import', ...args])).stdout
      .toString()
      .replace(/^\S+ +/, '')
      .trimEnd();
  await s.ok(['import', '--layer', source, '--name', 'app:1.0']);
  assert.equal(
    await told('--layer', source, '--name', 'app:2.0'),
    'app:2.0  was here already; also called app:2.0 now',
  );
  assert.equal(await told('--layer', source, '--name', 'app:2.0'), 'app:2.0  was here already');
  await s.ok(['untag', 'app:1.0', 'app:2.0']);
  assert.equal(await told('--layer', source, '--name', 'app:1.0'), 'app:1.0  was here already; called app:1.0 now');
  const aci = s.aci('a.aci', { name: 'example.com/a' });
  await s.ok(['import', aci]);
  await s.ok(['tag', 'example.com/a', 'other:1']);
  await s.ok(['untag', 'example.com/a']);
  assert.match(await told(aci), /was here already; also called example\.com\/a now$/);
  const again = await s.json<{ added?: string[] }[]>(['import', '--layer', source, '--name', 'app:3.0']);
  assert.deepEqual(again[0]?.added, ['app:3.0']);
});

test('an export to a directory that is there says that --force replaces files only', async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', '--layer', s.write('layer.tar', LAYER), '--name', 'app:1.0']);
  await s.ok(['export', 'app:1.0', s.path('layout')]);
  for (const force of [[], ['--force']]) {
    const { message } = await s.refused(['export', ...force, 'app:1.0', s.path('layout')], 'ERR_EXISTS', 1);
    assert.match(message, /layout is there already; --force replaces files with files only, so remove it or name /);
  }
  await s.ok(['export', 'app:1.0', s.path('a.tar')]);
  const { message } = await s.refused(['export', 'app:1.0', s.path('a.tar')], 'ERR_EXISTS', 1);
  assert.match(message, /a\.tar is there already; --force replaces it$/);
});

test('a dangling symlink on the way to a file is named with its target', async (t) => {
  const s = new TestStore(t);
  const link = (name: string, to: string): EntrySpec => ({ name, flag: '2', link: to });
  const layer = tar([
    { name: 'etc', flag: '5' },
    link('etc/os-release', '../usr/lib/os-release'),
    link('etc/chain', 'os-release'),
    link('dir', 'etc'),
    link('deep', '/dir/none'),
  ]);
  await s.ok(['import', '--layer', s.write('layer.tar', layer), '--name', 'app:1.0']);
  const dangling = '/etc/os-release is a symlink to ../usr/lib/os-release, which is not in app:1.0';
  for (const [path, told] of [
    ['etc/os-release', dangling],
    ['/dir/os-release', dangling],
    ['etc/chain', dangling],
    ['deep', '/deep is a symlink to /dir/none, which is not in app:1.0'],
    ['dir/none', 'app:1.0 has no dir/none'],
  ] as const) {
    assert.equal((await s.refused(['cat', 'app:1.0', path], 'ERR_NOT_FOUND', 3)).message, told, path);
  }
  const { message } = await s.refused(['cp', '-L', 'app:1.0:etc/os-release', s.dir], 'ERR_NOT_FOUND', 3);
  assert.equal(message, dangling);
  await s.ok(['cp', 'app:1.0:etc/os-release', s.dir]);
});

test('a source of several images is answered with arguments that can be typed', async (t) => {
  const s = new TestStore(t);
  const other = tar([{ name: 'g', content: 'g' }]);
  ociLayout(s.path('app'), [
    { ref: '1.0', layers: [LAYER] },
    { ref: '2.0', layers: [other] },
  ]);
  const several = `${s.path('app')} holds several images; `;
  const pick = `pick one of ${s.path('app')}:1.0, ${s.path('app')}:2.0`;
  const said = async (...args: string[]): Promise<string> => (await s.refused(args, 'ERR_AMBIGUOUS_KEY', 1)).message;
  assert.equal(await said('import', s.path('app')), `${several}--recursive takes all, or ${pick}`);
  for (const args of [
    ['render', s.path('app')],
    ['checkout', s.path('app'), s.path('dir')],
    ['cat', s.path('app'), 'f'],
  ])
    assert.equal(await said(...args), several + pick, args[0]);
  await s.ok(['render', `${s.path('app')}:1.0`]);
  await t.test('of standard input nothing can be picked', async () => {
    const images = ['1.0', '2.0'].map((tag) => ({ ref: `app:${tag}`, layers: [LAYER, tar([{ name: tag }])] }));
    const archive = dockerArchive(images, { old: false });
    const ran = await s.run(['import', '-'], { input: archive });
    assert.match(ran.stderr, /- holds several images \(app:1\.0, app:2\.0\); --recursive takes all$/m);
  });
});

test('tree diff of equal trees says so to people', async (t) => {
  const s = new TestStore(t);
  const source = s.write('layer.tar', LAYER);
  for (const [name, arch] of [
    ['app:1.0', 'amd64'],
    ['app:2.0', 'arm64'],
  ] as const)
    await s.ok(['import', '--layer', source, '--platform', `linux/${arch}`, '--name', name]);
  const diff = ['tree', 'diff', 'app:1.0', 'app:2.0'];
  const told = await s.ok(diff);
  assert.equal(told.stdout.toString(), '');
  assert.match(told.stderr, /^cairn: the trees are the same, but perhaps for times of directories; "cairn inspect" /m);
  assert.match((await s.ok([...diff, '--directory-times'])).stderr, /^cairn: the trees are the same; /m);
  const ran = await s.ok([...diff, '--json']);
  assert.deepEqual([ran.stdout.toString(), ran.stderr.includes('same')], ['[]\n', false]);
});

test('info lists the modes that there are', async (t) => {
  const s = new TestStore(t);
  await s.ok(['put', s.write('blob', 'blob')]);
  const told = (await s.ok(['info'])).stdout.toString();
  assert.match(told, /^mode copy +works$/m);
  const { mount } = (await s.json<{ modes: { mount: { ok: boolean; why?: string } } }>(['info'])).modes;
  assert.ok(told.includes(`mode mount    ${mount.ok ? 'works' : `does not work: ${mount.why}`}\n`), told);
});

test('an export with another digest than the import says what keeps it', async (t) => {
  const s = new TestStore(t);
  ociLayout(s.path('app'), [{ ref: '1.0', layers: [LAYER], compress: 'gzip' }]);
  await s.ok(['import', s.path('app')]);
  const told = async (...args: string[]): Promise<string> =>
    (await s.ok(['export', '--force', 'app:1.0', ...args])).stdout.toString();
  const advice = /not the digest that it was imported with, which takes "cairn import --keep-archive"$/m;
  assert.match(await told(s.path('a.tar')), advice);
  await t.test('but not where that would not help', async () => {
    assert.match(await told('--format', 'docker', s.path('b.tar')), /not the digest that it was imported with$/m);
  });
  await t.test('and it does', async () => {
    const again = (): Promise<string> =>
      s.ok(['import', '--keep-archive', s.path('app')]).then(({ stdout }) => stdout.toString());
    assert.match(await again(), /app:1\.0 {2}was here already; its archives are kept now$/m);
    assert.match(await again(), /app:1\.0 {2}was here already$/m);
    assert.match(await told(s.path('a.tar')), /as it was imported$/m);
  });
});
