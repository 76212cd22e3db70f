/** What others remove while it is being used is removed, not damaged. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { removeImages } from '../../engine/collect/remove.js';
import { setPinned } from '../../engine/collect/roots.js';
import { exportImage } from '../../engine/export/export.js';
import { Importer } from '../../engine/import/import.js';
import { allImages } from '../../engine/index/images.js';
import type { ImageRecord, TreeRecord } from '../../engine/index/records.js';
import { mustBeComplete } from '../../engine/resolve/completeness.js';
import { layerStackOf } from '../../engine/resolve/layer-stack.js';
import { planOf } from '../../engine/resolve/plan-image.js';
import type { StoreContext } from '../../engine/session/context.js';
import { openContext } from '../../engine/session/open.js';
import { checkStore } from '../../engine/verify/check.js';
import { fsckStore } from '../../engine/verify/fsck.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { TestStore } from '../fixtures/store.js';

keepThreads();

interface Used {
  context: StoreContext;
  image: ImageRecord;
  tree: TreeRecord;
  /** Has another process remove the image, with its tree and files. */
  remove: () => Promise<unknown>;
}

/** An image and its tree as a process knows them that has the store open. */
async function use(t: TestContext): Promise<Used> {
  const store = new TestStore(t);
  await store.ok(['import', store.aci('app.aci', { name: 'example.com/app' }, [{ name: 'f', content: 'f' }])]);
  await store.ok(['render', 'example.com/app']);
  const context = await openContext({ dir: store.store, workers: 1 });
  t.after(async () => {
    await context.pool.close();
    await context.index.close();
  });
  const [image] = [...allImages(context.index)] as [ImageRecord];
  const [tree] = [...context.index.trees.values()] as [TreeRecord];
  return { context, image, tree, remove: () => store.ok(['rm', 'example.com/app']) };
}

test('an image that goes before it is planned is not found', async (t) => {
  const { context, image, remove } = await use(t);
  const stack = layerStackOf(context, image);
  await remove();
  assert.throws(() => planOf(context, stack), {
    code: 'ERR_NOT_FOUND',
    message: 'example.com/app was removed meanwhile',
  });
});

test('an image that goes before it is found whole is not found', async (t) => {
  const { context, image, remove } = await use(t);
  const stack = layerStackOf(context, image);
  await remove();
  context.index.refresh();
  assert.throws(() => mustBeComplete(context, stack), {
    code: 'ERR_NOT_FOUND',
    message: 'example.com/app was removed meanwhile',
  });
});

test('an image that goes before it is exported is not found', async (t) => {
  const { context, image, remove } = await use(t);
  const dir = temporaryDirectory(t);
  await remove();
  for (const format of ['aci', 'oci', 'docker', 'tar'] as const) {
    await assert.rejects(exportImage(context, image, join(dir, 'out'), { format }), {
      code: 'ERR_NOT_FOUND',
      message: 'example.com/app was removed meanwhile',
    });
  }
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('an image that goes while it is exported is not found', async (t) => {
  const { context, image, remove } = await use(t);
  const dir = temporaryDirectory(t);
  const { pool } = context;
  const run = pool.run.bind(pool);
  // It goes when the first worker begins, which then finds less than the index promised.
  pool.run = async (task) => {
    pool.run = run;
    if (task.kind !== 'export-layer') return run(task);
    await remove();
    return run({ ...task, toc: join(dir, 'gone') });
  };
  await assert.rejects(exportImage(context, image, join(dir, 'out')), { code: 'ERR_NOT_FOUND' });
});

test('images and trees that go before they are checked are not damaged', async (t) => {
  const { context, image, tree, remove } = await use(t);
  await remove();
  const { damaged } = await checkStore(context, { images: [image], trees: [tree] });
  assert.deepEqual(damaged, []);
});

test('an image that changed since it was looked up goes as it is now, with its newest document', async (t) => {
  const { context, image } = await use(t);
  await setPinned(context, image, true);
  await setPinned(context, image, false);
  await removeImages(context, [image.key]);
  const { miscounted, missing, stray } = await fsckStore(context);
  assert.deepEqual([miscounted, missing, stray], [[], [], []]);
  assert.equal(context.index.totals.blobs, 0);
});

test('an import of what is here does not bring back archives that were kept of it before', async (t) => {
  const store = new TestStore(t);
  const archive = store.aci('app.aci', { name: 'example.com/app' }, [{ name: 'f', content: 'f' }]);
  await store.ok(['import', '--keep-archive', archive]);
  const context = await openContext({ dir: store.store, workers: 1 });
  t.after(async () => {
    await context.pool.close();
    await context.index.close();
  });
  const { index } = context;
  const commit = index.commit.bind(index);
  index.commit = async (change) => {
    index.commit = commit;
    await store.ok(['rm', 'example.com/app']);
    await store.ok(['import', archive]);
    return commit(change);
  };
  await new Importer(context).importAll([archive], {});
  const { miscounted, missing } = await fsckStore(context);
  assert.deepEqual([miscounted, missing], [[], []]);
});
