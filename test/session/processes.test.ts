/** Several processes at one store, and processes that are killed. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { aci } from '../fixtures/archive.js';
import { cairn, temporaryDirectory } from '../fixtures/cli.js';
import { WHOLE } from '../fixtures/whole.js';

interface Place {
  dir: string;
  store: string;
}

function makePlace(t: TestContext): Place {
  const dir = temporaryDirectory(t);
  return { dir, store: join(dir, 'store') };
}

/** An image of many small files, so that work on it takes a while. */
function manyFiles(place: Place, name: string, count: number): string {
  const entries = Array.from({ length: count }, (_none, i) => ({
    name: `f${i}`,
    content: `${name} ${i}\n`.repeat(20),
  }));
  const path = join(place.dir, `${name}.aci`);
  fs.writeFileSync(path, aci({ name: `example.com/${name}` }, entries));
  return path;
}

/** Calls `act` when a file is staged, which means that an import is under way. */
function onceStaging({ store }: Place, child: ChildProcess, act: () => void): void {
  const staging = join(store, 'staging');
  const timer = setInterval(() => {
    const begun = fs.existsSync(staging) && fs.readdirSync(staging).length > 0;
    if (begun || child.exitCode !== null) clearInterval(timer);
    if (begun && child.exitCode === null) act();
  }, 5);
}

/** The first block of a pack. A pack with nothing else waits for the next import. */
const EMPTY_PACK_BYTES = 4096;

/** Files anywhere in the store that belong to no index, format or reserve. */
function leftBehind({ store }: Place): string[] {
  return fs
    .readdirSync(store, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(store.length + 1))
    .filter((path) => !path.startsWith('index/') && path !== 'cairn.json')
    .filter((path) => !path.startsWith('packs/') || fs.statSync(join(store, path)).size > EMPTY_PACK_BYTES);
}

test('concurrent renders of one image make its tree once', async (t) => {
  const place = makePlace(t);
  const source = manyFiles(place, 'one', 2000);
  assert.equal((await cairn(['import', source], place)).code, 0);
  const runs = await Promise.all([1, 2, 3].map(() => cairn(['render', '--json', 'example.com/one'], place)));
  const results = runs.map((run) => run.json<never>()[0] as { existed: boolean; path: string });
  assert.deepEqual(results.map(({ existed }) => existed).sort(), [false, true, true]);
  assert.equal(new Set(results.map(({ path }) => path)).size, 1);
  assert.equal((await cairn(['check'], place)).code, 0);
});

test('concurrent imports of one archive store it once', async (t) => {
  const place = makePlace(t);
  const source = manyFiles(place, 'one', 2000);
  const runs = await Promise.all([1, 2, 3].map(() => cairn(['import', '--json', source], place)));
  const results = runs.map((run) => run.json<never>()[0] as { existed: boolean });
  assert.equal(results.filter(({ existed }) => !existed).length, 1);
  const fsck = (await cairn(['fsck', '--json'], place)).json<{ ok: boolean; stray: string[] }>();
  assert.deepEqual([fsck.ok, fsck.stray], [true, []]);
});

test('Ctrl-C ends an import with 130 and leaves nothing', async (t) => {
  const place = makePlace(t);
  const source = manyFiles(place, 'big', 20_000);
  const run = await cairn(['import', source], {
    ...place,
    onStart: (child) => onceStaging(place, child, () => child.kill('SIGINT')),
  });
  assert.equal(run.code, 130, run.stderr);
  assert.deepEqual((await cairn(['ls', '--json'], place)).json(), []);
  assert.deepEqual(leftBehind(place), []);
});

test('what a killed import leaves is swept by the next gc, and its locks hold nobody up', async (t) => {
  const place = makePlace(t);
  const source = manyFiles(place, 'big', 20_000);
  for (const delay of WHOLE ? [40, 120, 250, 400, 600] : [40, 250, 600]) {
    let killed = false;
    await cairn(['import', source], {
      ...place,
      onStart: (child) =>
        onceStaging(place, child, () => {
          setTimeout(() => {
            killed = child.kill('SIGKILL');
          }, delay);
        }),
    });
    const fsck = (await cairn(['fsck', '--json'], place)).json<{ ok: boolean }>();
    assert.equal(fsck.ok, true, `killed after ${delay} ms: ${killed}`);
    assert.equal((await cairn(['rm', 'example.com/big'], place)).code === 1, false);
    assert.equal((await cairn(['gc', '--images', '--grace-period', '0s'], place)).code, 0);
    assert.deepEqual(leftBehind(place), [], `killed after ${delay} ms: ${killed}`);
  }
});

test('200 images imported, rendered, removed and collected leave nothing', async (t) => {
  const place = makePlace(t);
  const shared = 'the same in all of them\n'.repeat(50);
  const sources = Array.from({ length: 200 }, (_none, i) => {
    const path = join(place.dir, `${i}.aci`);
    const entries = [
      { name: 'shared', content: shared },
      { name: 'own', content: `${i}\n` },
      { name: 'link', flag: '1', link: 'own' },
      { name: 'dir', flag: '5', mode: 0o700 },
    ];
    fs.writeFileSync(path, aci({ name: `example.com/image-${i}` }, entries));
    return path;
  });
  const imported = (await cairn(['import', '--json', ...sources], place)).json<{ key: string }[]>();
  assert.equal(imported.length, 200);
  const keys = imported.map(({ key }) => key);
  assert.equal((await cairn(['render', '--json', ...keys], place)).code, 0);
  assert.equal((await cairn(['check'], place)).code, 0);
  assert.equal((await cairn(['rm', ...keys.slice(0, 100)], place)).code, 0);
  assert.equal((await cairn(['gc', '--images', '--grace-period', '0s'], place)).code, 0);
  const fsck = (await cairn(['fsck', '--json'], place)).json<{ ok: boolean; stray: string[]; checked: object }>();
  assert.deepEqual(fsck.checked, { images: 0, layers: 0, objects: 0, blobs: 0, trees: 0, pods: 0 });
  assert.deepEqual([fsck.ok, fsck.stray], [true, []]);
  assert.deepEqual(leftBehind(place), []);
});

test('workers start whatever flags Node was started with', async (t) => {
  const place = makePlace(t);
  for (const [i, flag] of ['--max-old-space-size=512', '--enable-source-maps'].entries()) {
    const { code, stderr } = await cairn(['import', manyFiles(place, `flag${i}`, 3)], {
      store: place.store,
      nodeFlags: [flag],
    });
    assert.deepEqual([code, stderr], [0, '']);
  }
});
