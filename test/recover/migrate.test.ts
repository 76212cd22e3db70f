/** A store of format 1 is brought to format 2 when it is first opened for writing, whatever interrupts that. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openContext } from '../../engine/session/open.js';
import { openStore, Store } from '../../engine/store.js';
import { killedAt } from '../fixtures/cli.js';
import { documentsIn } from '../fixtures/documents.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { unpackOldStore } from '../fixtures/old-stores.js';
import { type Json, TestStore } from '../fixtures/store.js';
import { stride } from '../fixtures/whole.js';

keepThreads();

function oldStore(t: TestContext): TestStore {
  const s = new TestStore(t);
  unpackOldStore(1, s.store);
  return s;
}

/** Nothing in the old store has been used since it was made, yet gc must keep all of it. */
const CENTURY_MS = 100 * 365 * 24 * 3600 * 1000;

/** A command that opens the store for writing, and changes nothing in the end. */
const WRITING = ['pin', 'example.com/base'];

const formatOf = (dir: string): string => fs.readFileSync(join(dir, 'cairn.json'), 'utf8');

/** The store still has everything that was in it, without damage. */
async function isComplete(s: TestStore): Promise<void> {
  const images = await s.json<Json[]>(['ls']);
  assert.deepEqual(images.map(({ name, latest, pinned }) => [name, latest, pinned]).sort(), [
    ['example.com/app', true, false],
    ['example.com/base', false, true],
    ['example.com/web', false, false],
  ]);
  for (const name of ['example.com/app:2.0.0', 'example.com/base', 'example.com/web:1.0', 'example.com/web:stable'])
    await s.ok(['inspect', name]);
  const [app] = await s.json<[Json]>(['render', 'example.com/app']);
  assert.equal(app['existed'], true);
  assert.equal(fs.readFileSync(join(String(app['path']), 'bin/again'), 'utf8'), '#!/bin/sh\nexec true\n');
  assert.equal((await s.ok(['cat', 'example.com/web:stable', 'c'])).stdout.toString(), 'upper\n');
  const put = 'sha512-2705e73bc29da91180ebb422a2ab5c6c55061e2a324215a615f70294afa1c018bc4fa5b36d6b3f6bdb58103f781cefb8';
  assert.equal((await s.ok(['get', put, '-'])).stdout.toString(), 'any bytes\n');
  await s.ok(['check']);
  const fsck = await s.json(['fsck']);
  assert.deepEqual([fsck['ok'], fsck['missing'], fsck['miscounted']], [true, [], []]);
}

test('the first command that can write brings it to format 2, says so, and keeps the old index', async (t) => {
  const s = oldStore(t);
  const first = await s.ok(WRITING);
  assert.match(first.stderr, /brought to format 2: 3 images/);
  assert.equal(formatOf(s.store), '{"format":2}\n');
  assert.deepEqual(
    documentsIn(s.store).map(({ revision, image }) => [image.name, revision, image.pinned]),
    [
      ['example.com/app', 1, false],
      ['example.com/base', 1, true],
      ['example.com/web', 1, false],
    ],
  );
  assert.equal((await s.ok(WRITING)).stderr, '');
  await isComplete(s);
  assert.deepEqual((await s.json(['fsck']))['stray'], []);
  const old = s.path('old');
  unpackOldStore(1, old);
  fs.rmSync(join(old, 'index'), { recursive: true });
  fs.cpSync(join(s.store, 'index-1'), join(old, 'index'), { recursive: true });
  await using before = await openStore({ dir: old, readOnly: true });
  const names = [];
  for await (const { name } of before.images()) names.push(name);
  assert.equal(names.length, 3);
});

test('opened for reading only it is read as it is', async (t) => {
  const s = oldStore(t);
  const store = await openStore({ dir: s.store, readOnly: true });
  assert.equal((await store.inspect('example.com/app')).dependencies.length, 1);
  assert.equal((await store.check()).ok, true);
  assert.equal((await store.fsck()).ok, true);
  await store.close();
  assert.equal(formatOf(s.store), '{"format":1}\n');
  assert.deepEqual(documentsIn(s.store), []);
});

test('killed at any point on the way it works, and gets there the next time', async (t) => {
  for (let at = 1; ; at += stride(9)) {
    const s = oldStore(t);
    const ran = await s.run(WRITING, killedAt(at));
    if (ran.code === 0) {
      assert.ok(at > 10, `${at} changes of the disk`);
      break;
    }
    assert.equal(ran.code, null, ran.stderr);
    const half = await openStore({ dir: s.store, readOnly: true });
    assert.equal((await half.fsck()).ok, true, `killed at ${at}`);
    await half.close();
    await using store = await openStore({ dir: s.store, workers: 1 });
    assert.equal((await store.render('example.com/app')).existed, true);
    await store.gc({ images: true, graceMs: CENTURY_MS });
    const { ok, checked, stray } = await store.fsck();
    assert.deepEqual([ok, stray, checked.images], [true, [], 3], `killed at ${at}`);
    assert.equal(formatOf(s.store), '{"format":2}\n', `killed at ${at}`);
    assert.deepEqual(
      documentsIn(s.store).map(({ revision }) => revision),
      [1, 1, 1],
      `killed at ${at}`,
    );
  }
});

test('two programs that open it at once migrate it once', async (t) => {
  const s = oldStore(t);
  const ran = await Promise.all([1, 2, 3].map(() => s.ok(WRITING)));
  assert.equal(ran.filter(({ stderr }) => stderr.includes('brought to format 2')).length, 1);
  await isComplete(s);
});

test('an image without a document still gets one with its next change', async (t) => {
  const s = oldStore(t);
  fs.writeFileSync(join(s.store, 'cairn.json'), '{"format":2}\n');
  const context = await openContext({ dir: s.store });
  await new Store(context).unpin('example.com/base');
  await context.index.close();
  assert.deepEqual(
    documentsIn(s.store).map(({ image, revision }) => [image.name, revision, image.pinned]),
    [['example.com/base', 1, false]],
  );
});
