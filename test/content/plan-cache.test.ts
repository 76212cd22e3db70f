/** Plans that are kept with large images: when they are used, when not, and that wrong ones are never believed. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { stagePlan } from '../../engine/content/plan-cache.js';
import { looseName } from '../../engine/objects/name.js';
import { packPlan } from '../../engine/plan/packed-plan.js';
import { plainEntry } from '../../engine/plan/plan.js';
import { type EntrySpec, tar } from '../fixtures/archive.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { manyEntries } from '../fixtures/entries.js';
import { ociLayout } from '../fixtures/oci.js';
import { type Json, TestStore } from '../fixtures/store.js';
import { describeTree } from '../fixtures/tree.js';

const AS_ROOT = process.geteuid?.() === 0;
const skip = AS_ROOT ? false : 'as a user no plan is kept';

/** Directories, files of a few contents, further names, symlinks; one file has an attribute. */
const LARGE: readonly EntrySpec[] = [
  ...manyEntries(20, 2000, 700),
  { name: 'marked', content: 'x', pax: { 'SCHILY.xattr.user.mark': 'yes' } },
];

interface Tree extends Json {
  treeId: string;
  path: string;
  hash: string;
  files: number;
  bytes: number;
  existed: boolean;
}

class Rendering extends TestStore {
  readonly plans = join(this.store, 'plans');

  async render(...flags: string[]): Promise<Tree> {
    const [tree] = await this.json<[Tree]>(['render', ...flags, 'example.com/large']);
    assert.equal(tree.existed, false);
    return tree;
  }

  /** The path of the only plan. */
  get plan(): string {
    const names = fs.readdirSync(this.plans);
    assert.equal(names.length, 1);
    return join(this.plans, names[0] as string);
  }
}

async function largeStore(t: TestContext): Promise<Rendering> {
  const s = new Rendering(t);
  await s.ok(['import', s.aci('large.aci', { name: 'example.com/large' }, LARGE)]);
  return s;
}

/** Rewrites a plan in the store's own form, with changed content. */
function rewrite(plan: string, change: (stored: { version: number; treeId: string; shards: Shard[] }) => void): void {
  const stored = deserialize(fs.readFileSync(plan).subarray(64)) as {
    version: number;
    treeId: string;
    shards: Shard[];
  };
  change(stored);
  const body = serialize(stored);
  fs.writeFileSync(plan, Buffer.concat([hash('sha512', body, 'buffer'), body]));
}

/** The content of a complete plan. The bytes of equal plans may differ: V8 writes the same list as dense or sparse. */
function saidBy(plan: string): unknown {
  const bytes = fs.readFileSync(plan);
  const body = bytes.subarray(64);
  assert.deepEqual(bytes.subarray(0, 64), hash('sha512', body, 'buffer'));
  return deserialize(body);
}

interface Shard {
  paths: string;
}

const lie = ({ shards }: { shards: Shard[] }): void => {
  for (const shard of shards) shard.paths = shard.paths.replace('marked', 'lied');
};

test('a large image is rendered from the plan that its first render kept, to the same tree', { skip }, async (t) => {
  const s = await largeStore(t);
  const first = await s.render();
  const made = describeTree(first.path);
  const { ino } = fs.statSync(s.plan);
  await s.ok(['tree', 'rm', first.treeId]);
  const second = await s.render();
  for (const field of ['treeId', 'hash', 'files', 'bytes'] as const) assert.equal(second[field], first[field], field);
  assert.deepEqual(describeTree(second.path), made);
  assert.equal(fs.statSync(s.plan).ino, ino, 'the plan was made again');
  await s.ok(['check']);

  await t.test('by copying, too', async () => {
    const copied = await s.render('--rebuild', '--mode', 'copy');
    assert.deepEqual(describeTree(copied.path), made);
  });
  await t.test('check does not believe the plan', async () => {
    rewrite(s.plan, lie);
    const { path } = await s.render('--rebuild');
    assert.ok(fs.existsSync(join(path, 'lied')), 'the plan was not used');
    const { damaged } = await s.json<{ damaged: { kind: string; what: string }[] }>(['check'], 4);
    assert.ok(damaged.length > 0);
  });
});

test('a plan that is of no use is made again', { skip }, async (t) => {
  const s = await largeStore(t);
  const made = describeTree((await s.render()).path);
  const whole = fs.readFileSync(s.plan);
  const said = saidBy(s.plan);
  const cases: Readonly<Record<string, () => void>> = {
    'of another version': () =>
      rewrite(s.plan, (stored) => {
        lie(stored);
        stored.version++;
      }),
    'of another tree': () =>
      rewrite(s.plan, (stored) => {
        lie(stored);
        stored.treeId = stored.treeId.replace(/.$/, 'x');
      }),
    'cut off': () => fs.truncateSync(s.plan, whole.length >> 1),
    empty: () => fs.truncateSync(s.plan),
    gone: () => fs.rmSync(s.plan),
    'with a flipped bit': () => {
      const bytes = Buffer.from(whole);
      const at = bytes.indexOf('marked');
      bytes[at] = (bytes[at] as number) ^ 1;
      fs.writeFileSync(s.plan, bytes);
    },
    'no plan at all': () => {
      const body = serialize('nonsense');
      fs.writeFileSync(s.plan, Buffer.concat([hash('sha512', body, 'buffer'), body]));
    },
  };
  for (const [what, spoil] of Object.entries(cases)) {
    await t.test(what, async () => {
      spoil();
      assert.deepEqual(describeTree((await s.render('--rebuild')).path), made);
      assert.deepEqual(saidBy(s.plan), said);
    });
  }
});

test('an import keeps the plan of an OCI image; gc takes it away when the image is gone', { skip }, async (t) => {
  const s = new Rendering(t);
  const upper = tar([{ name: 'd0/.wh.f20', content: '' }]);
  ociLayout(s.path('layout'), [{ ref: 'example.com/large:latest', layers: [tar([...LARGE]), upper] }]);
  await s.ok(['import', s.path('layout')]);
  const { ino } = fs.statSync(s.plan);
  const { path } = await s.render();
  assert.equal(fs.statSync(s.plan).ino, ino, 'the plan was made again');
  assert.ok(!fs.existsSync(join(path, 'd0/f20')));
  await s.ok(['check']);
  await s.ok(['gc', '--images', '--grace-period', '0', '--keep-last', '1']);
  assert.equal(fs.statSync(s.plan).ino, ino, 'gc took what is needed');
  fs.mkdirSync(join(s.plans, 'strange'));
  const { stderr } = await s.ok(['gc', '--images', '--grace-period', '0', '--keep-last', '1']);
  assert.match(stderr, /left behind: .*strange/);
  fs.rmdirSync(join(s.plans, 'strange'));
  await s.ok(['rm', 'example.com/large']);
  assert.equal((await s.json<{ ok: boolean }>(['fsck'])).ok, true);
  await s.ok(['gc', '--images', '--grace-period', '0']);
  assert.deepEqual(fs.readdirSync(s.plans), []);
});

test('a plan that cannot be written is no harm', (t) => {
  const plan = packPlan(
    { entries: [plainEntry('', 'dir', 0o755, 0)], files: 0, bytes: 0 },
    { anyLacks: false, workers: 1, nameOf: looseName },
  );
  const dir = temporaryDirectory(t);
  stagePlan(plan, 'id', join(dir, 'plan'));
  assert.ok(fs.existsSync(join(dir, 'plan')));
  stagePlan(plan, 'id', join(dir, 'missing', 'plan'));
  assert.deepEqual(fs.readdirSync(dir), ['plan']);
});

test('plans of small images are not kept', async (t) => {
  const s = new Rendering(t);
  await s.ok(['import', s.aci('a.aci', { name: 'example.com/large' }, LARGE.slice(0, 100))]);
  await s.render();
  assert.ok(!fs.existsSync(s.plans));
});
