/** Targets that `export` and `get` may write to, and files that they leave alone. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { destinationOf, publish } from '../../engine/session/destination.js';
import { openContext } from '../../engine/session/open.js';
import { Store } from '../../engine/store.js';
import { aci } from '../fixtures/archive.js';
import { PROGRAM } from '../fixtures/cli.js';
import { listensToSignals } from '../fixtures/signals.js';
import { TestStore } from '../fixtures/store.js';

const APP = aci({ name: 'example.com/app' }, [{ name: 'f', content: 'content' }]);

interface Way {
  what: string;
  /** Arguments before the target. */
  args: readonly string[];
  /** The output; only the beginning of a layout's. */
  bytes: Buffer | undefined;
}

async function filled(t: TestContext): Promise<{ s: TestStore; ways: Way[] }> {
  const s = new TestStore(t);
  await s.ok(['import', s.write('app.aci', APP)]);
  const { key } = await s.json<{ key: string }>(['put', s.write('blob', APP)]);
  const ways = [
    { what: 'get', args: ['get', key], bytes: APP },
    { what: 'export', args: ['export', 'example.com/app'], bytes: APP },
    { what: 'export --format docker', args: ['export', '--format', 'docker', 'example.com/app'], bytes: undefined },
  ];
  return { s, ways };
}

/** Files that were left beside a target. */
function strays(s: TestStore): string[] {
  return fs.readdirSync(s.dir).filter((name) => name.startsWith('.'));
}

test('a named pipe is written to, once someone reads it', async (t) => {
  const { s, ways } = await filled(t);
  const pipe = s.path('pipe');
  execFileSync('mkfifo', [pipe]);
  for (const { what, args, bytes } of ways) {
    await t.test(what, async () => {
      const writing = s.ok([...args, pipe]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      // Node 20.12 takes the first short read of `fs.promises.readFile` for the end.
      const read = await buffer(fs.createReadStream(pipe));
      await writing;
      if (bytes === undefined) assert.equal(read.subarray(0, 10).toString(), 'oci-layout');
      else assert.deepEqual(read, bytes);
      assert.ok(fs.lstatSync(pipe).isFIFO());
      assert.deepEqual(strays(s), []);
    });
  }
  await t.test('and whoever waits for a reader can be interrupted', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'export', 'example.com/app', pipe], {
      env: { ...process.env, CAIRN_STORE: s.store },
    });
    await listensToSignals(child);
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill('SIGTERM');
    assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 130);
  });
});

test('a device is written to', { skip: process.geteuid?.() !== 0 && 'needs root to make devices' }, async (t) => {
  const { s, ways } = await filled(t);
  const [nothing, full] = [s.path('null'), s.path('full')];
  // A directory of the test's own, so that a failing test does not replace the machine's.
  execFileSync('mknod', [nothing, 'c', '1', '3']);
  execFileSync('mknod', [full, 'c', '1', '7']);
  for (const { what, args } of ways) {
    await t.test(what, async () => {
      await s.ok([...args, nothing]);
      const error = await s.refused([...args, full], 'ERR_NO_SPACE', 1);
      assert.equal(error.path, full);
      assert.ok([nothing, full].every((device) => fs.lstatSync(device).isCharacterDevice()));
      assert.deepEqual(strays(s), []);
    });
  }
});

test('a symlink is followed', async (t) => {
  const { s, ways } = await filled(t);
  fs.mkdirSync(s.path('elsewhere'));
  for (const { what, args, bytes } of ways) {
    await t.test(what, async () => {
      const file = s.write('elsewhere/file', 'before');
      fs.rmSync(s.path('link'), { force: true });
      fs.symlinkSync('elsewhere/file', s.path('link'));
      await s.refused([...args, s.path('link')], 'ERR_EXISTS', 1);
      await s.ok([...args, '--force', s.path('link')]);
      assert.equal(fs.readlinkSync(s.path('link')), 'elsewhere/file');
      if (bytes !== undefined) assert.deepEqual(fs.readFileSync(file), bytes);
      fs.rmSync(file);
      await s.refused([...args, s.path('link')], 'ERR_NOT_FOUND', 3);
    });
  }
});

test('directories and the store itself are refused', async (t) => {
  const { s, ways } = await filled(t);
  fs.mkdirSync(s.path('dir'));
  fs.symlinkSync('store/cairn.json', s.path('into'));
  const format = fs.readFileSync(join(s.store, 'cairn.json'));
  const layout: Way = { what: 'a layout', args: ['export', '--format', 'oci', 'example.com/app'], bytes: undefined };
  for (const { what, args } of [...ways, layout]) {
    await t.test(what, async () => {
      if (what !== layout.what) await s.refused([...args, s.path('dir')], 'ERR_EXISTS', 1);
      for (const inside of ['store/cairn.json', 'store/new', 'store', 'into'])
        await s.refused([...args, s.path(inside)], 'ERR_USAGE', 2);
      await s.refused([...args, s.path('none/file')], 'ERR_NOT_FOUND', 3);
    });
  }
  assert.deepEqual(fs.readFileSync(join(s.store, 'cairn.json')), format);
  assert.deepEqual([strays(s), fs.readdirSync(s.path('dir'))], [[], []]);
});

test('what came to the place of an export while it was made is not replaced', async (t) => {
  const s = new TestStore(t);
  const context = await openContext({ dir: s.store });
  t.after(() => new Store(context).close());
  for (const kind of ['file', 'directory'] as const) {
    const target = destinationOf(context, s.path(kind), kind, true);
    assert.ok(target.kind === kind);
    if (kind === 'file') fs.writeFileSync(target.scratch, '');
    else fs.mkdirSync(target.scratch);
    fs.mkdirSync(s.path(kind));
    s.write(`${kind}/precious`, 'mine');
    await assert.rejects(publish(target), { code: 'ERR_EXISTS', path: s.path(kind) });
    assert.equal(fs.readFileSync(s.path(`${kind}/precious`), 'utf8'), 'mine');
  }
});
