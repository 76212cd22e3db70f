/** The library as its users call it: streams in and out, selections, and options that are wrong. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openStore, type Store } from '../../engine/store.js';
import { aci, tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

const APP = aci({ name: 'example.com/app', labels: { version: '1' } }, [{ name: 'etc/motd', content: 'hello' }]);

async function listOf<T>(all: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const each of all) list.push(each);
  return list;
}

async function opened(t: TestContext): Promise<{ s: TestStore; store: Store }> {
  const s = new TestStore(t);
  const store = await openStore({ dir: s.store });
  t.after(() => store.close());
  return { s, store };
}

test('an image comes in by a stream, and goes out by one', async (t) => {
  const { s, store } = await opened(t);
  const { key, source, names } = await store.import(Readable.from([gzipSync(APP)]));
  assert.deepEqual([source, names], ['-', ['example.com/app:1']]);
  const out = new PassThrough();
  const [bytes, exported] = await Promise.all([buffer(out), store.export('example.com/app', out)]);
  assert.ok(bytes.equals(APP));
  assert.deepEqual([exported.key, exported.original, exported.size], [key, true, APP.length]);
  const packed = new PassThrough();
  const [layout] = await Promise.all([buffer(packed), store.export(key, packed, { format: 'docker' })]);
  const again = await openStore({ dir: s.path('again') });
  const [image] = [await again.import(Readable.from([layout]))];
  assert.deepEqual(image.names, ['example.com/app:1']);
  await again.close();
  const staged = fs.readdirSync(`${s.store}/staging`, { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    staged.filter((name) => name.includes('stream')),
    [],
  );
});

test('a stream that is no image, or that breaks off, leaves nothing', async (t) => {
  const { store } = await opened(t);
  await assert.rejects(
    store.import(Readable.from(['just text'])),
    (error: Error & { code?: string; path?: string }) => {
      assert.deepEqual([error.code, error.path], ['ERR_NOT_AN_IMAGE', '-']);
      assert.doesNotMatch(error.message, /staging/);
      return true;
    },
  );
  async function* broken() {
    yield APP.subarray(0, 600);
    throw Object.assign(new Error('EIO: the line is dead'), { code: 'EIO', syscall: 'read' });
  }
  await assert.rejects(store.import(Readable.from(broken())), { code: 'ERR_IO' });
  const aborted = AbortSignal.abort();
  await assert.rejects(store.import(Readable.from([APP]), { signal: aborted }), { code: 'ERR_ABORTED' });
  assert.deepEqual(await listOf(store.images()), []);
});

test('bytes go in and out by streams', async (t) => {
  const { store } = await opened(t);
  const { key } = await store.put(Readable.from(['some bytes']));
  const out = new PassThrough();
  const [got] = await Promise.all([text(out), store.get(key, out)]);
  assert.equal(got, 'some bytes');
  assert.deepEqual(await listOf(store.blobs()), [{ key, size: 10 }]);
  assert.deepEqual(await store.removeBlobs([key.slice(0, 20)]), [{ key, size: 10, freedBytes: 10 }]);
  await assert.rejects(store.get(key, '-'), { code: 'ERR_NOT_FOUND' });
});

test('a file of an image is a stream', async (t) => {
  const { s, store } = await opened(t);
  await store.import(s.write('app.aci', APP));
  assert.equal(await text(await store.read('example.com/app', '/etc/motd')), 'hello');
  await assert.rejects(store.read('example.com/app', 'none'), { code: 'ERR_NOT_FOUND' });
});

test('a tree is looked at without rendering, and no link leads out of it', async (t) => {
  const { s, store } = await opened(t);
  const latin1 = Buffer.from('caf\xe9', 'latin1');
  const layer = tar([
    { name: 'usr', flag: '5' },
    { name: 'usr/lib', flag: '5' },
    { name: 'usr/lib/os-release', content: 'ID=x\n' },
    { name: 'usr/lib-other', content: 'not below lib' },
    { name: 'lib', flag: '2', link: 'usr/lib' },
    { name: 'etc', flag: '5' },
    { name: 'etc/os-release', flag: '2', link: '../../../lib/os-release' },
    { name: 'etc/nowhere', flag: '2', link: '/none' },
    { name: 'etc/round', flag: '2', link: 'round' },
    { name: latin1, content: 'bytes' },
  ]);
  ociLayout(s.path('web'), [{ ref: 'v1', layers: [layer] }]);
  await store.import(s.path('web'));
  const pathsIn = async (path?: string) => (await store.readDir('web:v1', path)).map((each) => each.path);
  const root = await store.readDir('web:v1');
  assert.deepEqual(
    root.map(({ path, type }) => [path, type]),
    [
      ['caf\ufffd', 'file'],
      ['etc', 'dir'],
      ['lib', 'symlink'],
      ['usr', 'dir'],
    ],
  );
  assert.deepEqual(await pathsIn('/usr'), ['usr/lib', 'usr/lib-other']);
  assert.deepEqual(await pathsIn('lib/../../lib/.'), ['usr/lib/os-release']);
  assert.equal(await store.resolvePath('web:v1', '/etc/os-release'), 'usr/lib/os-release');
  assert.equal(await store.resolvePath('web:v1', '../..'), '.');
  assert.equal((await store.stat('web:v1', 'etc/os-release')).size, 5);
  assert.equal((await store.stat('web:v1', 'etc/os-release', { followLink: false })).type, 'symlink');
  assert.equal((await store.stat('web:v1', 'etc/nowhere', { followLink: false })).link, '/none');
  const bytes = Buffer.from(root[0]?.pathBase64 ?? '', 'base64');
  assert.ok(bytes.equals(latin1));
  assert.equal(await text(await store.read('web:v1', bytes)), 'bytes');
  assert.equal(await text(await store.read('web:v1', 'etc/os-release', { start: 3 })), 'x\n');
  const lacking: (() => Promise<unknown>)[] = [
    () => store.readDir('web:v1', 'etc/os-release'),
    () => store.readDir('web:v1', 'none'),
    () => store.resolvePath('web:v1', 'etc/nowhere'),
    () => store.resolvePath('web:v1', 'etc/round'),
    () => store.stat('web:v1', Buffer.from('caf\u00e9')),
    () => store.read('web:v1', 'etc'),
  ];
  for (const call of lacking) await assert.rejects(call, { code: 'ERR_NOT_FOUND' });
  await assert.rejects(store.stat('web:v1', ''), { code: 'ERR_USAGE' });
  await assert.rejects(store.readDir('web:v1', 5 as never), { code: 'ERR_USAGE' });
});

test('images are selected by name, label and state', async (t) => {
  const { s, store } = await opened(t);
  await store.import(s.write('app.aci', APP));
  ociLayout(s.path('web'), [{ ref: 'v1', layers: [tar([{ name: 'x', content: 'x' }])] }]);
  await store.import(s.path('web'));
  const names = async (...selection: Parameters<Store['images']>) =>
    (await listOf(store.images(...selection))).flatMap((image) => image.names).sort();
  assert.deepEqual(await names(), ['example.com/app:1', 'web:v1']);
  assert.deepEqual(await names({ names: ['web'] }), ['web:v1']);
  assert.deepEqual(await names({ filter: { version: '1' } }), ['example.com/app:1']);
  assert.deepEqual(await names({ filter: { format: 'oci', named: 'true' } }), ['web:v1']);
  assert.deepEqual(await names({ filter: { rendered: 'true' } }), []);
  await store.pin('web:v1');
  assert.deepEqual(await names({ filter: { pinned: 'true' } }), ['web:v1']);
  await assert.rejects(names({ filter: { pinned: 'maybe' } }), { code: 'ERR_USAGE' });
});

test('what is wrong is a CairnError that says what would be right', async (t) => {
  const { s, store } = await opened(t);
  const calls: [what: RegExp, call: () => Promise<unknown>][] = [
    [/dir must be a text/, () => openStore({} as never)],
    [/options must be an object/, () => openStore(undefined as never)],
    [/there is no option "storeDir"/, () => openStore({ dir: s.store, storeDir: 'x' } as never)],
    [/source must be an object|sources/, () => store.import(undefined as never)],
    [/sources must be a list/, () => store.importAll('x' as never)],
    [/jobs must be a number/, () => store.importAll(['x'], { jobs: '4' as never })],
    [/signal must be an AbortSignal/, () => store.import('x', { signal: {} as never })],
    [/image must be a text/, () => store.render(5 as never)],
    [/mode must be one of mount, link, reflink, copy/, () => store.render('x', { mode: 'hardlink' as never })],
    [/dir must be a text/, () => store.checkout('x', undefined as never)],
    [/graceMs must be a number/, () => store.gc({ graceMs: '1h' as never })],
    [/there is no option "grace"/, () => store.gc({ grace: 1 } as never)],
    [/file must be/, () => store.export('x', 5 as never)],
    [/format must be one of/, () => store.export('x', 'y', { format: 'zip' as never })],
    [/targets must be a list/, () => store.rm('x' as never)],
    [/key must be a text/, () => store.get(undefined as never, '-')],
    [/targets must be a list/, () => store.check('x' as never)],
    [/options must be an object, not null/, () => store.fsck(null as never)],
  ];
  for (const [message, call] of calls) await assert.rejects(call, { name: 'CairnError', code: 'ERR_USAGE', message });
});

test('old names of methods still work', async (t) => {
  const { s, store } = await opened(t);
  await store.import(s.write('app.aci', APP));
  assert.equal((await store.usage()).images, (await store.du()).images);
  assert.ok((await store.manifest('example.com/app')).equals(await store.catManifest('example.com/app')));
  assert.equal(Buffer.concat([...(await store.readFile('example.com/app', 'etc/motd'))]).toString(), 'hello');
  assert.deepEqual(await listOf(store.compare('example.com/app', 'example.com/app')), []);
  assert.equal((await store.backUp(s.path('backup'))).images, 1);
  assert.equal((await store.remove(['example.com/app'])).length, 1);
});
