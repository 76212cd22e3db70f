/** Names of images: given, moved, taken away, ambiguous, suggested. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { TestStore } from '../fixtures/store.js';

interface Summary {
  key: string;
  digest: string;
  names: string[];
  moved?: { name: string; from: string }[];
}

interface Removed {
  key: string;
  untagged: string[];
  removed: boolean;
}

/** Imports an OCI image of its own content. @returns its key */
async function image(store: TestStore, content: string, name: string): Promise<string> {
  ociLayout(store.path(content), [{ layers: [tar([{ name: content, content }])] }]);
  const [imported] = await store.json<{ key: string }[]>(['import', store.path(content), '--name', name]);
  return imported?.key ?? '';
}

const names = async (store: TestStore): Promise<string[]> =>
  (await store.json<Summary[]>(['ls'])).flatMap((each) => each.names).sort();

test('a name is given, leaves the image that had it, and that is said', async (t) => {
  const store = new TestStore(t);
  const one = await image(store, 'one', 'app:1');
  const two = await image(store, 'two', 'app:2');
  const tagged = await store.json<Summary>(['tag', two, 'app:stable']);
  assert.deepEqual(tagged.names, ['app:2', 'app:stable']);
  const moved = await store.run(['tag', one, 'app:stable']);
  assert.match(moved.stderr, /app:stable meant sha512-[0-9a-f]{12} before/);
  assert.equal((await store.json<Summary>(['inspect', 'app:stable'])).key, one);
  assert.deepEqual((await store.json<Summary>(['inspect', two])).names, ['app:2']);
  assert.deepEqual((await store.json<Summary>(['tag', 'app:1', 'plain'])).names, [
    'app:1',
    'app:stable',
    'plain:latest',
  ]);
});

test('an import moves names, too', async (t) => {
  const store = new TestStore(t);
  const one = await image(store, 'one', 'app:1');
  ociLayout(store.path('two'), [{ layers: [tar([{ name: 'two', content: 'two' }])] }]);
  const [two] = await store.json<Summary[]>(['import', store.path('two'), '--name', 'app:1']);
  assert.deepEqual(two?.moved, [{ name: 'app:1', from: one }]);
  assert.deepEqual((await store.json<Summary>(['inspect', one])).names, []);
  const again = await store.ok(['import', store.path('one'), '--name', 'app:1']);
  assert.match(again.stderr, /app:1 meant/);
  assert.equal((await store.json<Summary>(['inspect', 'app:1'])).key, one);
});

test('rm takes a name away, and the image with its last one', async (t) => {
  const store = new TestStore(t);
  const key = await image(store, 'one', 'app:1');
  await store.ok(['tag', key, 'app:2']);
  const [first] = await store.json<Removed[]>(['rm', 'app:1']);
  assert.deepEqual([first?.untagged, first?.removed], [['app:1'], false]);
  await store.ok(['render', 'app:2']);
  const [last] = await store.json<Removed[]>(['rmi', 'app']);
  assert.deepEqual([last?.untagged, last?.removed], [['app:2'], true]);
  assert.deepEqual(await store.json(['ls']), []);
  assert.deepEqual(await store.json(['tree', 'ls']), []);
});

test('rm by key takes the image with all names, --all every image of a name', async (t) => {
  const store = new TestStore(t);
  const one = await image(store, 'one', 'app:1');
  const two = await image(store, 'two', 'app:2');
  await store.ok(['tag', one, 'other:1']);
  const error = await store.refused(['rm', 'app'], 'ERR_AMBIGUOUS_KEY', 1);
  assert.equal((error['candidates'] as string[]).length, 2);
  assert.deepEqual(await names(store), ['app:1', 'app:2', 'other:1']);
  const removed = await store.json<Removed[]>(['rm', '--all', 'app']);
  assert.deepEqual(
    removed.map(({ key, removed: isGone }) => [key, isGone]).sort(),
    [[one, false] as const, [two, true] as const].sort(),
  );
  assert.deepEqual(await names(store), ['other:1']);
  await store.ok(['tag', one, 'x:1']);
  const [whole] = await store.json<Removed[]>(['rm', one.slice('sha512-'.length, 40)]);
  assert.deepEqual(whole?.untagged, ['other:1', 'x:1']);
  assert.deepEqual(await names(store), []);
});

test('a name may go while a pin holds its image, unless it is the last', async (t) => {
  const store = new TestStore(t);
  const key = await image(store, 'one', 'app:1');
  await store.ok(['tag', key, 'app:2']);
  await store.ok(['pin', key]);
  await store.ok(['rm', 'app:1']);
  await store.refused(['rm', 'app:2'], 'ERR_HELD', 1);
  await store.refused(['rm', key], 'ERR_HELD', 1);
  const forced = await store.ok(['rm', '--force', 'app:2']);
  assert.match(forced.stderr, /held by its pin/);
});

test('untag leaves the image to gc', async (t) => {
  const store = new TestStore(t);
  const key = await image(store, 'one', 'app:1');
  await image(store, 'two', 'app:2');
  await store.ok(['untag', 'app:1']);
  await store.refused(['untag', 'app:1'], 'ERR_NOT_FOUND', 3);
  assert.equal((await store.json<Summary[]>(['ls'])).length, 2);
  const dry = await store.json<{ gone: { images: { key: string; names: string[] }[] } }>([
    'gc',
    '--grace-period',
    '0',
    '--dry-run',
  ]);
  assert.deepEqual(dry.gone.images, [{ key, names: [] }]);
  await store.ok(['gc', '--grace-period', '0']);
  assert.deepEqual(await names(store), ['app:2']);
});

test('an ACI keeps its own name, may have others, and gets its own back from an import', async (t) => {
  const store = new TestStore(t);
  const labels = { version: '1', os: 'linux', arch: 'amd64' };
  const path = store.aci('a.aci', { name: 'example.com/app', labels }, [{ name: 'a', content: 'a' }]);
  await store.ok(['import', path]);
  const own = 'example.com/app:1,os=linux,arch=amd64';
  assert.deepEqual(await names(store), [own]);
  await store.ok(['tag', own, 'mine']);
  assert.deepEqual(await names(store), [own, 'mine:latest']);
  await store.ok(['untag', 'example.com/app']);
  assert.deepEqual(await names(store), ['mine:latest']);
  await store.refused(['inspect', 'example.com/app'], 'ERR_NOT_FOUND', 3);
  await store.ok(['import', path]);
  assert.deepEqual(await names(store), [own, 'mine:latest'].sort());
});

test('whatever ls prints is taken back', async (t) => {
  const store = new TestStore(t);
  await image(store, 'one', 'localhost:5000/team/app:1');
  await image(store, 'two', 'app:V1');
  await store.ok(['import', store.aci('a.aci', { name: 'example.com/~user/a', labels: { version: '1,2:3', x: 'y' } })]);
  const bare = store.write('bare.tar', tar([{ name: 'x', content: 'x' }]));
  await store.ok(['import', '--layer', bare]);
  const { stdout } = await store.ok(['ls']);
  const rows = stdout
    .toString()
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.split(/ {2,}/));
  assert.equal(rows.length, 4);
  for (const [name = '', tag = '', id = ''] of rows) {
    const byId = await store.json<Summary>(['inspect', id]);
    if (name !== '-') assert.equal((await store.json<Summary>(['inspect', `${name}:${tag}`])).key, byId.key, name);
  }
  for (const each of await names(store)) await store.ok(['inspect', each]);
  const ids = (await store.ok(['ls', '-q'])).stdout.toString().trim().split('\n');
  assert.equal(ids.length, 4);
  for (const id of ids) await store.ok(['inspect', id]);
});

test('bare digits of a key or a digest are one', async (t) => {
  const store = new TestStore(t);
  const key = await image(store, 'one', 'app:1');
  const { digest } = await store.json<Summary>(['inspect', key]);
  for (const argument of [key.slice(7, 19), key.slice(7), digest.slice(7, 19), digest.slice(7).toUpperCase()])
    assert.equal((await store.json<Summary>(['inspect', argument])).key, key, argument);
  await store.refused(['inspect', key.slice(7, 18)], 'ERR_NOT_FOUND', 3);
  await store.refused(['tag', key, 'deadbeefdead'], 'ERR_NAME_SYNTAX', 1);
  await store.refused(['tag', key, 'sha512-12'], 'ERR_NAME_SYNTAX', 1);
});

test('a name that is near is suggested on a line of its own', async (t) => {
  const store = new TestStore(t);
  await image(store, 'one', 'example.com/webserver:1.0');
  const ran = await store.run(['inspect', 'webservr']);
  assert.deepEqual(ran.stderr.trim().split('\n'), [
    'cairn: webservr: not in the store',
    'Did you mean example.com/webserver:1.0?',
  ]);
  assert.equal(ran.code, 3);
  const command = await store.run(['improt', 'x']);
  assert.deepEqual(command.stderr.trim().split('\n').slice(0, 2), [
    "cairn: unknown command 'improt'",
    'Did you mean import?',
  ]);
  assert.equal(command.code, 2);
});

test('a tag alone means the only image that has it', async (t) => {
  const store = new TestStore(t);
  ociLayout(store.path('lay'), [{ ref: 'v7', layers: [tar([{ name: 'a', content: 'a' }])] }]);
  await store.ok(['import', store.path('lay')]);
  await store.ok(['inspect', 'v7']);
  await image(store, 'two', 'other:v7');
  await store.refused(['inspect', 'v7'], 'ERR_AMBIGUOUS_KEY', 1);
  await store.refused(['rm', 'v7'], 'ERR_NOT_FOUND', 3);
});

test('gc without a policy spares names', async (t) => {
  const store = new TestStore(t);
  await image(store, 'one', 'app:1');
  await image(store, 'two', 'app:2');
  const dry = (...flags: string[]) =>
    store.json<{ gone: { images: { names: string[] }[] } }>(['gc', '--dry-run', '--grace-period', '0', ...flags]);
  const gone = async (...flags: string[]) => (await dry(...flags)).gone.images.flatMap((each) => each.names).sort();
  assert.deepEqual(await gone(), []);
  assert.deepEqual(await gone('--images'), ['app:1', 'app:2']);
  assert.deepEqual(await gone('--keep-last', '1'), ['app:1']);
  assert.deepEqual(await gone('--keep-storage', '0'), ['app:1', 'app:2']);
  const text = (await store.ok(['prune', '--dry-run', '--grace-period', '0', '--images'])).stdout.toString();
  assert.match(text, /would remove image sha512-[0-9a-f]{12} {2}app:1/);
});

test("an ACI's version of any characters is printed so that it leads back, and exported where it may be", async (t) => {
  const store = new TestStore(t);
  for (const [version, printed, isExported] of [
    ['feature/x', 'example.com/app:feature%2Fx', false],
    ['a b', 'example.com/app:a b', false],
    ['1:2,x=y%', 'example.com/app:1%3A2%2Cx=y%', false],
    ['1.0+b1', 'example.com/app:1.0+b1', true],
  ] as const) {
    const source = store.aci(`${version.length}.aci`, { name: 'example.com/app', labels: { version } });
    const [{ key }] = await store.json<[{ key: string }]>(['import', source]);
    const shown = await store.json<Summary>(['inspect', key]);
    assert.deepEqual(shown.names, [printed]);
    assert.equal((await store.json<Summary>(['inspect', printed])).key, key);
    const out = store.path(`out-${version.length}`);
    const exported = await store.run(['export', printed, out, '--format', 'oci']);
    assert.equal(exported.code, 0, exported.stderr);
    if (isExported) assert.equal(exported.stderr, '');
    else assert.match(exported.stderr, /is no name that a layout may have/);
    const again = new TestStore(t);
    await again.ok(['import', out]);
    assert.deepEqual(await names(again), isExported ? [printed] : []);
  }
});

test('a name that no export could write is not given', async (t) => {
  const store = new TestStore(t);
  const one = await image(store, 'one', 'app:1');
  for (const name of ['w:a b', 'y:', 'y:.x', 'y:a/b']) await store.refused(['tag', one, name], 'ERR_NAME_SYNTAX', 1);
  await store.ok(['tag', one, 'app:1.0+b1']);
});

test('images that share a name of one platform are told apart by their keys', async (t) => {
  const store = new TestStore(t);
  const source = store.aci('app.aci', { name: 'example.com/app', labels: { version: '1' } });
  const [{ key: aci }] = await store.json<[{ key: string }]>(['import', source]);
  const oci = await image(store, 'one', 'example.com/app:1');
  const { stderr } = await store.run(['rm', 'example.com/app:1']);
  const listed = stderr.match(/could be any of (.*)/)?.[1]?.split(', ') ?? [];
  assert.equal(listed.length, 2);
  assert.ok(listed.includes(aci), stderr);
  for (const each of listed) await store.ok(['rm', each]);
  assert.deepEqual(await names(store), []);
  assert.notEqual(oci, aci);
});
