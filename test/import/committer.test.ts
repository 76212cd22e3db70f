/**
 * Waiting for a commit: how many imports may wait, how a signal ends the wait, and how a batch fares when one import
 * fails.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { type TestContext, test } from 'node:test';
import { prepareAci } from '../../engine/import/aci.js';
import { Committer } from '../../engine/import/commit.js';
import type { Prepared } from '../../engine/import/prepared-image.js';
import { LayerReader } from '../../engine/import/read-layer.js';
import type { StoreContext } from '../../engine/session/context.js';
import { openContext } from '../../engine/session/open.js';
import { Store } from '../../engine/store.js';
import { aci } from '../fixtures/archive.js';
import { type Json, TestStore } from '../fixtures/store.js';

class Setting {
  readonly s: TestStore;
  readonly context: StoreContext;
  readonly reader: LayerReader;
  /** Says whether layers are being read; a batch waits while they are. */
  readonly layers = { busy: false };
  readonly committer: Committer;

  static async make(t: TestContext): Promise<Setting> {
    const s = new TestStore(t);
    return new Setting(s, await openContext({ dir: s.store, workers: 2 }));
  }

  private constructor(s: TestStore, context: StoreContext) {
    this.s = s;
    this.context = context;
    this.reader = new LayerReader(context);
    this.committer = new Committer(context, this.layers);
  }

  prepared(name: string): Promise<Prepared> {
    const bytes = aci({ name: `example.com/${name}` }, [{ name, content: name }]);
    const source = { source: { bytes }, size: bytes.length, fingerprint: undefined };
    const importing = { store: this.context, reader: this.reader, staging: this.context.staging.make() };
    return prepareAci(importing, source, { importTime: 1, progress: undefined });
  }

  /** Names of the images that another process sees. */
  async names(): Promise<string[]> {
    return (await this.s.json<Json[]>(['ls'])).map(({ name }) => String(name).slice('example.com/'.length)).sort();
  }

  /** Holds the disk up. @returns a function that lets the disk go on */
  holdDisk(t: TestContext): () => void {
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { disk } = this.context;
    const sync = disk.sync.bind(disk);
    t.mock.method(disk, 'sync', async () => {
      await gate;
      return sync();
    });
    return open;
  }
}

test('images that are ready while others are read share a commit; one that comes alone waits for none', async (t) => {
  const setting = await Setting.make(t);
  const { committer, context, layers } = setting;
  const commits = t.mock.method(context.index, 'commit');
  layers.busy = true;
  const committed: Promise<unknown>[] = [];
  for (const name of ['a', 'b', 'c']) committed.push(committer.add(await setting.prepared(name)));
  layers.busy = false;
  await Promise.all(committed);
  assert.equal(commits.mock.callCount(), 1);
  await committer.add(await setting.prepared('d'));
  assert.equal(commits.mock.callCount(), 2);
  await new Store(context).close();
  assert.deepEqual(await setting.names(), ['a', 'b', 'c', 'd']);
});

test('so many may wait, and then sources wait as well', async (t) => {
  const setting = await Setting.make(t);
  const { committer } = setting;
  const images: Prepared[] = [];
  for (let i = 0; i < 67; i++) images.push(await setting.prepared(`image${i}`));
  const goOn = setting.holdDisk(t);
  let left = 0;
  const add = (image: Prepared): Promise<unknown> => committer.add(image, undefined, () => left++);
  const committed = [add(images[0] as Prepared)];
  // The import is taken at once, which releases its slot a second time. Callers allow that; counting begins here.
  await new Promise((resolve) => setImmediate(resolve));
  left = 0;
  for (const image of images.slice(1)) committed.push(add(image));
  assert.equal(left, 63);
  goOn();
  await Promise.all(committed);
  assert.equal(left, 63 + 66);
  await new Store(setting.context).close();
  assert.equal((await setting.names()).length, 67);
});

test('what is cancelled before it is placed does not come in, and leaves nothing', async (t) => {
  const setting = await Setting.make(t);
  const images = [await setting.prepared('a'), await setting.prepared('b'), await setting.prepared('c')] as const;
  const goOn = setting.holdDisk(t);
  const cancel = new AbortController();
  // The first is in a batch already, and the disk is taking its bytes. The second waits for the next batch.
  const first = setting.committer.add(images[0], cancel.signal);
  await new Promise((resolve) => setImmediate(resolve));
  const second = setting.committer.add(images[1], cancel.signal);
  const other = setting.committer.add(images[2]);
  cancel.abort();
  goOn();
  await assert.rejects(first, { code: 'ERR_ABORTED' });
  await assert.rejects(second, { code: 'ERR_ABORTED' });
  await other;
  await new Store(setting.context).close();
  assert.deepEqual(await setting.names(), ['c']);
  const { ok, stray, checked } = await setting.s.json(['fsck']);
  assert.deepEqual([ok, stray, (checked as Json)['objects']], [true, [], 1]);
  assert.deepEqual(fs.readdirSync(setting.s.path('store/staging')), []);
});

test('where one of a batch cannot be placed, the others are', async (t) => {
  const setting = await Setting.make(t);
  const { committer, context, layers } = setting;
  const bad = await setting.prepared('bad');
  const table = String(bad.layers[0]?.ingested.toc.sha512).slice(2);
  const run = context.pool.run.bind(context.pool);
  const refused = Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'renameat2', path: table });
  t.mock.method(context.pool, 'run', async (task: { kind: string; moves?: [string, string][] }) => {
    if (task.moves?.some(([, to]) => to.endsWith(table)) === true) throw refused;
    return run(task as never);
  });
  layers.busy = true;
  const adding = [
    committer.add(bad),
    committer.add(await setting.prepared('a')),
    committer.add(await setting.prepared('b')),
  ];
  layers.busy = false;
  const outcomes = await Promise.allSettled(adding);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  await new Store(context).close();
  assert.deepEqual(await setting.names(), ['a', 'b']);
  await setting.s.ok(['check']);
  await setting.s.ok(['gc', '--images', '--grace-period', '1d']);
  const { ok, stray } = await setting.s.json(['fsck']);
  assert.deepEqual([ok, stray], [true, []]);
  assert.deepEqual(fs.readdirSync(setting.s.path('store/staging')), []);
});
