/** How often a render reads manifests: once each, and not at all where the tree is there. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { type TestContext, test } from 'node:test';
import { openStore, type Store } from '../../engine/store.js';
import { TestStore } from '../fixtures/store.js';

const CHAIN = ['base', 'middle', 'top'] as const;

/** A chain of images, each of which but the lowest lets only its own and the lower files pass. */
async function chain(t: TestContext): Promise<{ store: Store; manifests: string[] }> {
  const s = new TestStore(t);
  const sources = CHAIN.map((name, i) =>
    s.aci(
      `${name}.aci`,
      {
        name: `example.com/${name}`,
        ...(i === 0 ? {} : { dependencies: [{ imageName: `example.com/${CHAIN[i - 1]}` }] }),
        pathWhitelist: CHAIN.slice(0, i + 1).map((each) => `/${each}`),
      },
      [{ name, content: name }],
    ),
  );
  const store = await openStore({ dir: s.store, workers: 1 });
  t.after(() => store.close());
  await store.importAll(sources);
  const manifests: string[] = [];
  for await (const { key } of store.images()) {
    const { manifest } = await store.resolve(key);
    const hex = manifest.slice('sha512-'.length);
    manifests.push(`${s.store}/blobs/sha512/${hex.slice(0, 2)}/${hex.slice(2)}`);
  }
  return { store, manifests };
}

/** Paths that this process reads whole while `work` is done. */
async function readDuring(t: TestContext, work: () => Promise<unknown>): Promise<string[]> {
  const { mock } = t.mock.method(fs, 'readFileSync');
  syncBuiltinESMExports();
  try {
    await work();
    return mock.calls.map(({ arguments: [path] }) => String(path));
  } finally {
    mock.restore();
    syncBuiltinESMExports();
  }
}

test('a render reads each manifest once', async (t) => {
  const { store, manifests } = await chain(t);
  const read = await readDuring(t, () => store.render('example.com/top'));
  for (const manifest of manifests) assert.equal(read.filter((path) => path === manifest).length, 1, manifest);
});

test('a tree that is there is found without any manifest', async (t) => {
  const { store, manifests } = await chain(t);
  const { path } = await store.render('example.com/top');
  const read = await readDuring(t, async () => {
    const again = await store.render('example.com/top');
    assert.deepEqual([again.existed, again.path], [true, path]);
  });
  assert.deepEqual(
    read.filter((each) => manifests.includes(each)),
    [],
  );
});
