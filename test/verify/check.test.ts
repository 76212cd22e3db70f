/** `check` and `fsck`: damage, and how it is reported. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openContext } from '../../engine/session/open.js';
import { Store } from '../../engine/store.js';
import { fsckStore } from '../../engine/verify/fsck.js';
import { PROGRAM } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { hasShape, type Json, TestStore } from '../fixtures/store.js';
import {
  inPacks,
  loseObject,
  objectsOf,
  objectWith,
  overwriteObject,
  type StoredObject,
} from '../fixtures/stored-objects.js';

keepThreads();

interface Damage extends Json {
  kind: string;
  id: string;
  path?: string;
  what: string;
}

interface Checked extends Json {
  checked: Json;
  damaged: Damage[];
  ok: boolean;
}

const OTHER_BYTES = 'content does not have the hash it is named by';

const ENTRIES = [
  ...['mode', 'mtime', 'content', 'size', 'gone', 'kind', 'whole'].map((name) => ({
    name,
    content: `this is ${name}`,
  })),
  { name: 'd', flag: '5' },
  { name: 'd/time', flag: '5', mtime: 5 },
  { name: 'link', flag: '2', link: 'whole' },
];

/** A store with one image, rendered. */
async function rendered(
  t: TestContext,
  mode: 'copy' | 'link',
): Promise<{ s: TestStore; root: string; treeId: string }> {
  const s = new TestStore(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/a' }, ENTRIES)]);
  const [{ path, treeId }] = await s.json<[Json]>(['render', '--mode', mode, 'example.com/a']);
  return { s, root: path as string, treeId: treeId as string };
}

/** A change to a path of the tree, and the finding that `check` must report. */
const DAMAGES: readonly [path: string, damage: (path: string) => void, what: RegExp][] = [
  ['content', (path) => overwrite(path, 'THIS IS CONTENT'.toLowerCase().replace('is', 'IS')), /^content differs$/],
  ['d/extra', (path) => fs.writeFileSync(path, ''), /^not in the plan$/],
  ['d/time', (path) => fs.utimesSync(path, 9, 9), /time/],
  ['gone', (path) => fs.rmSync(path), /^missing$/],
  ['kind', (path) => replace(path, () => fs.mkdirSync(path)), /^a dir instead of a file$/],
  [
    'link',
    (path) => replace(path, () => fs.symlinkSync('/etc/passwd', path)),
    /^links to \/etc\/passwd instead of whole$/,
  ],
  ['mode', (path) => fs.chmodSync(path, 0o600), /^mode 0600 instead of 0644$/],
  ['mtime', (path) => fs.utimesSync(path, 1, 1), /time/],
  ['size', (path) => overwrite(path, 'short'), /^5 bytes instead of 12$/],
];

test('check tells which paths of a tree differ, and in what', async (t) => {
  const { s, root, treeId } = await rendered(t, 'copy');
  await t.test('a tree as it was rendered is well', async () => {
    const { checked, damaged, ok } = await s.json<Checked>(['check']);
    hasShape(checked, { layers: 'number', objects: 'number', trees: 'number', bytes: 'number' });
    assert.deepEqual([checked['layers'], checked['objects'], checked['trees']], [1, 7, 1]);
    assert.deepEqual([damaged, ok], [[], true]);
  });

  for (const [path, damage] of DAMAGES) damage(join(root, path));
  fs.utimesSync(join(root, 'd'), 0, 0); // adding a file touched it
  fs.utimesSync(root, 0, 0);

  const { damaged, ok } = await s.json<Checked>(['check'], 4);
  assert.equal(ok, false);
  for (const [path, , what] of DAMAGES) {
    await t.test(path, () => {
      const own = damaged.filter((each) => each.path === path);
      assert.ok(
        own.some((each) => what.test(each.what)),
        `${path}: ${JSON.stringify(own)}`,
      );
      for (const { kind, id } of own) assert.deepEqual([kind, id], ['tree', treeId]);
    });
  }
  await t.test('and nothing else', () => {
    const named = new Set(damaged.map(({ path }) => path).filter((path) => path !== 'link'));
    assert.deepEqual(
      [...named].sort(),
      DAMAGES.map(([path]) => path).filter((path) => path !== 'link'),
    );
  });
  await t.test('--quick finds all but changed bytes under the same length and time', async () => {
    const quick = await s.json<Checked>(['check', '--quick'], 4);
    const paths = new Set(quick.damaged.map(({ path }) => path));
    assert.deepEqual(
      [...paths].sort(),
      DAMAGES.map(([path]) => path).filter((path) => path !== 'content'),
    );
  });
  await t.test('a tree can be named by its id or its image, and --trees leaves the layers out', async () => {
    for (const args of [[treeId], ['example.com/a'], ['--trees']]) {
      const found = await s.json<Checked>(['check', ...args], 4);
      assert.equal(found.damaged.length, damaged.length);
      if (args[0] !== 'example.com/a') assert.equal(found.checked['layers'], 0);
    }
  });
  await t.test('people read one line for each', async () => {
    const ran = await s.run(['check']);
    assert.equal(ran.code, 4);
    assert.match(ran.stdout.toString(), /^damaged: tree deps-sha512-[0-9a-f]{128} gone: missing$/m);
  });
  await t.test('after a rebuild all is well', async () => {
    await s.ok(['render', '--mode', 'link', '--rebuild', 'example.com/a']);
    assert.equal((await s.json<Checked>(['check'])).ok, true);
  });
});

test('what is not in the plan is told, whatever else is wrong', async (t) => {
  const { s, root } = await rendered(t, 'link');
  const told = async (): Promise<[string | undefined, string][]> =>
    (await s.json<Checked>(['check'], 4)).damaged.map(({ path, what }) => [path, what]);
  const times = (): void => fs.utimesSync(root, 0, 0);
  await t.test('when nothing else is', async () => {
    fs.writeFileSync(join(root, 'extra'), '');
    times();
    assert.deepEqual(await told(), [['extra', 'not in the plan']]);
  });
  await t.test('when as many are missing', async () => {
    fs.rmSync(join(root, 'gone'));
    times();
    assert.deepEqual((await told()).sort(), [
      ['extra', 'not in the plan'],
      ['gone', 'missing'],
    ]);
  });
  await t.test('when it is another name of an object', async () => {
    fs.rmSync(join(root, 'extra'));
    fs.linkSync(join(root, 'whole'), join(root, 'gone'));
    times();
    const [first, ...others] = await told();
    assert.equal(first?.[0], 'gone');
    assert.ok([first, ...others].every((each) => each?.[0] === 'gone'));
  });
});

test('check of a tree of links', async (t) => {
  const { s, root, treeId } = await rendered(t, 'link');
  await t.test('names a path whose file is no longer the object', async () => {
    const path = join(root, 'content');
    fs.rmSync(path);
    fs.writeFileSync(path, 'this is conTent');
    fs.utimesSync(path, 0, 0);
    fs.utimesSync(root, 0, 0);
    const { damaged } = await s.json<Checked>(['check'], 4);
    assert.deepEqual(damaged, [{ kind: 'tree', id: treeId, path: 'content', what: 'content differs' }]);
  });
  await t.test('names the objects that were changed through a link', async () => {
    overwrite(join(root, 'whole'), 'THIS is whole');
    fs.chmodSync(join(root, 'mode'), 0o666);
    const { damaged } = await s.json<Checked>(['check', 'example.com/a'], 4);
    if (inPacks) {
      // No file of a tree is an object there, but another tree may share it.
      assert.deepEqual(damaged.map(({ path }) => path).sort(), ['content', 'mode', 'whole']);
      return;
    }
    const objects = damaged.filter(({ kind }) => kind === 'object').map(({ id, what }) => [id.slice(0, 128), what]);
    assert.deepEqual(
      objects.sort(),
      [
        [sha512('this is mode'), 'mode 0666 instead of 0644'],
        [sha512('this is whole'), OTHER_BYTES],
      ].sort(),
    );
  });
  await t.test('and a tree that is made after a repair and an import has none of it', async () => {
    await s.run(['fsck', '--repair']);
    await s.ok(['import', s.path('a.aci')]);
    await s.ok(['render', '--mode', 'link', 'example.com/a']);
    assert.equal(fs.readFileSync(join(root, 'whole'), 'utf8'), 'this is whole');
    await s.ok(['check']);
  });
});

test('check finds damage in what the store keeps', async (t) => {
  const { s } = await rendered(t, 'copy');
  const object = objectWith(s.store, 'this is mode');
  const { manifest, layers } = blobs(await s.json(['inspect', 'example.com/a']), s);

  await t.test('an object with other bytes', async () => {
    const undo = overwriteObject(object, 'THIS IS MODE');
    const { damaged } = await s.json<Checked>(['check'], 4);
    assert.deepEqual(
      damaged.map(({ kind, what }) => [kind, what]),
      [['object', OTHER_BYTES]],
    );
    undo();
    await s.ok(['check']);
  });
  for (const [what, path, kind] of [
    ['a table of contents', layers, 'layer'],
    ['a manifest', manifest, 'manifest'],
  ] as const) {
    await t.test(`${what} with other bytes`, async () => {
      const bytes = fs.readFileSync(path);
      const spoiled = Buffer.from(bytes);
      spoiled[spoiled.length - 2] = (spoiled.at(-2) as number) ^ 1;
      fs.writeFileSync(path, spoiled);
      const { damaged } = await s.json<Checked>(['check'], 4);
      assert.ok(
        damaged.some((each) => each.kind === kind),
        JSON.stringify(damaged),
      );
      fs.writeFileSync(path, bytes);
    });
  }
  await t.test('and all is well when it is mended', async () => {
    await s.ok(['check']);
  });
  await t.test('what is not there is not found', async () => {
    await s.refused(['check', 'example.com/nothing'], 'ERR_NOT_FOUND', 3);
  });
});

test('fsck compares index and disk both ways', async (t) => {
  const { s, root, treeId } = await rendered(t, 'link');
  await t.test('a whole store is well', async () => {
    const found = await s.json(['fsck']);
    hasShape(found, { checked: 'object', missing: '[]', stray: '[]', repaired: '[]', ok: 'boolean' });
    assert.deepEqual([found['missing'], found['stray'], found['ok']], [[], [], true]);
  });
  await t.test(
    'a missing object is named with the images that need it, a missing tree, and what is stray',
    async () => {
      // The last of its pack, if it lies in one.
      const object = objectsOf(s.store).at(-1) as StoredObject;
      loseObject(object);
      fs.rmSync(join(root, '..'), { recursive: true });
      fs.mkdirSync(join(s.store, 'trees/stray'));
      const found = await s.json<Json & { missing: Json[]; stray: string[] }>(['fsck'], 4);
      const missing = found.missing.map(({ kind, id, images }) => [kind, id, images]);
      assert.deepEqual(missing.sort(), [
        ['object', object.name, ['example.com/a']],
        ['tree', treeId, ['example.com/a']],
      ]);
      assert.deepEqual(found.stray, [join(fs.realpathSync(s.store), 'trees/stray')]);
    },
  );
});

test('fsck without --repair takes nothing away', async (t) => {
  const { s } = await rendered(t, 'link');
  const strays = ['locks/tree-of-nobody', 'staging/dead', 'staging/dead/lock', 'staging/without-lock'].map((name) =>
    join(fs.realpathSync(s.store), name),
  );
  const [lock, dead, deadLock, other] = strays as [string, string, string, string];
  for (const dir of [dead, other]) fs.mkdirSync(dir);
  for (const file of [lock, deadLock]) fs.writeFileSync(file, '');
  const before = listing(s.store);
  for (let i = 0; i < 2; i++) {
    assert.deepEqual((await s.json<{ stray: string[] }>(['fsck'])).stray.sort(), [lock, dead, other]);
    assert.deepEqual(listing(s.store), before);
  }
  await s.ok(['fsck', '--repair']);
  assert.deepEqual(
    strays.filter((path) => fs.existsSync(path)),
    [],
  );
});

test('fsck sees what was committed while it waited', async (t) => {
  const { s } = await rendered(t, 'link');
  const context = await openContext({ dir: s.store });
  await using _open = new Store(context);
  await setImmediate();
  const known = context.index.images.count();
  const aci = s.aci('b.aci', { name: 'example.com/b' }, [{ name: 'b', content: 'b' }]);
  // Without a turn of the event loop, which would bring the changes by itself.
  assert.equal(spawnSync(process.execPath, [PROGRAM, '--store', s.store, 'import', aci]).status, 0);
  const { stray, missing, checked } = await fsckStore(context);
  assert.deepEqual([stray, missing, checked.images], [[], [], known + 1]);
});

function listing(dir: string): string[] {
  return fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
}

function replace(path: string, make: () => void): void {
  fs.rmSync(path);
  make();
}

/** Writes other bytes to the same inode and keeps its times. */
function overwrite(path: string, text: string): void {
  const { atime, mtime } = fs.statSync(path);
  fs.writeFileSync(path, text);
  fs.utimesSync(path, atime, mtime);
}

function sha512(text: string): string {
  return createHash('sha512').update(text).digest('hex');
}

function filesBelow(dir: string): string[] {
  const entries = fs.readdirSync(dir, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Paths of an image's manifest and table of contents in the store. */
function blobs(image: Json, s: TestStore): { manifest: string; layers: string } {
  const all = filesBelow(join(s.store, 'blobs'));
  const [{ toc }] = image['layers'] as [Json];
  const layers = all.find((path) => path.replaceAll('/', '').endsWith((toc as string).slice('sha512-'.length)));
  const manifest = all.find((path) => fs.readFileSync(path, 'latin1').startsWith('{"acKind"'));
  return { manifest: manifest as string, layers: layers as string };
}
