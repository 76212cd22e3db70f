/** What people see on a terminal: progress, interrupts, and what is not for a terminal. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { aci, tar } from '../fixtures/archive.js';
import { digestOf } from '../fixtures/oci.js';
import { TestRegistry } from '../fixtures/registry-server.js';
import { TestStore } from '../fixtures/store.js';
import { NO_TERMINAL, onTerminal } from './terminal.js';

const skip = NO_TERMINAL;

const preload = (code: string): Record<string, string> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
});
/** Time runs fast, so that what takes a moment is worth a line of progress. */
const HURRY = preload('const now = performance.now.bind(performance); performance.now = () => now() * 50');
/** The clock stands still from the first interrupt on, and goes on by a second with the third. */
const CLOCK = `const now = performance.now.bind(performance); let interrupts = 0; let at = 0;
process.on('SIGINT', () => { if (++interrupts === 1) { at = now(); performance.now = () => at; } if (interrupts === 3) at += 1000; })`;
/** Nothing that is to be cancelled hears of it. */
const DEAF = preload(`${CLOCK}; AbortSignal.prototype.addEventListener = () => {}`);

const LARGE = aci({ name: 'example.com/large' }, [{ name: 'f', content: Buffer.alloc(8 << 20, 'x') }]);
const SMALL = aci({ name: 'example.com/small' }, [{ name: 'f', content: 'x' }]);

/** Directories of imports that are under way, or were. */
function staged(store: string): string[] {
  return fs.readdirSync(join(store, 'staging'));
}

test('progress fits the terminal, tells share and time left, and is gone in the end', { skip }, async (t) => {
  const s = new TestStore(t);
  const file = s.write('漢字漢字漢字漢字漢字漢字漢字漢字.aci', LARGE);
  for (const [columns, pattern] of [
    [10, /^\d+%$/],
    [20, /^\d+%(?: \S+ \S+)?, .* left$/],
    [40, /^\d+% \S+ [KM]?B of 8\.4 MB, .* left$/],
    [80, /^importing .*…?: \d+% .* of 8\.4 MB, \S+ \S+\/s, .* left$/],
    [200, /^importing .*漢字\.aci: \d+% .* of 8\.4 MB, \S+ \S+\/s, .* left$/],
  ] as const) {
    await t.test(`${columns} columns`, async () => {
      const run = onTerminal(s.path(`store-${columns}`), ['import', file], { columns, redirected: true, env: HURRY });
      const { code, screen, stdout } = await run.ended;
      assert.equal(code, 0);
      assert.ok(screen.drawn.length > 0 && !screen.wrapped, screen.drawn.join('\n'));
      assert.ok(
        screen.drawn.some((line) => pattern.test(line)),
        screen.drawn.join('\n'),
      );
      assert.deepEqual(screen.lines, ['']);
      assert.match(stdout, /example\.com\/large/);
    });
  }
});

test('a fetch shows each blob that comes, and all together', { skip }, async (t) => {
  const s = new TestStore(t);
  const registry = await TestRegistry.start(t);
  const layers = ['a', 'b'].map((name) => tar([{ name, content: randomBytes(1 << 20) }]));
  registry.holdImage(s.path('layout'), 'app', '1', { layers });
  const waiting: (() => void)[] = [];
  for (const bytes of layers) {
    registry.overrides.set(`/v2/app/blobs/${digestOf(bytes)}`, ({ response }) => {
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 1 << 19));
      let at = 1 << 19;
      const more = setInterval(() => {
        response.write(bytes.subarray(at, at + 100));
        at += 100;
      }, 20);
      waiting.push(() => {
        clearInterval(more);
        response.end(bytes.subarray(at));
      });
    });
  }
  const env = { ...HURRY, HOME: s.dir, XDG_RUNTIME_DIR: s.dir, CAIRN_AUTH_DIRS: s.dir };
  const run = onTerminal(s.store, ['fetch', `docker://${registry.host}/app:1`], { columns: 120, env });
  const shows = layers.map((bytes) => new RegExp(`/app ${digestOf(bytes).slice(7, 19)}: \\d+% .* of 1\\.1 MB`));
  for (const shown of [...shows, /fetching docker:\/\/[\d.:]+\/app:1: [1-9]\d?% .* of 2\.1 MB, .* left/])
    await run.seen(shown);
  for (const goOn of waiting) goOn();
  const { code, screen } = await run.ended;
  assert.equal(code, 0, screen.lines.join('\n'));
  assert.ok(!screen.wrapped);
  assert.match(screen.lines.join('\n'), /^[^\n]*\/app:1[^\n]*\n$/);
});

test('a slow standard input shows what came, and for how long; whoever wants no progress sees none', {
  skip,
}, async (t) => {
  const s = new TestStore(t);
  for (const [what, args, env, isShown] of [
    ['as it is', [], {}, true],
    ['without colours', [], { NO_COLOR: '1' }, true],
    ['--json', ['--json'], {}, true],
    ['--no-progress', ['--no-progress'], {}, false],
    ['--quiet', ['--quiet'], {}, false],
  ] as const) {
    await t.test(what, async () => {
      const run = onTerminal(s.path(what), ['import', '-', ...args], { env });
      run.input.write(LARGE.subarray(0, 1 << 20));
      if (isShown) await run.seen(/importing -: .*1\.0 MB, .*\/s, \d+ s/);
      else await sleep(3000);
      run.input.end(LARGE.subarray(1 << 20));
      const { code, screen } = await run.ended;
      assert.equal(code, 0);
      assert.equal(screen.drawn.length > 0, isShown, screen.drawn.join('\n'));
      // The size of standard input is not known.
      assert.ok(screen.drawn.every((line) => !/%|left/.test(line)) && !screen.wrapped);
      assert.match(screen.lines.join('\n'), /^[^\n]*example\.com\/large[^\n]*\n$/);
    });
  }
});

test('two interrupts within half a second are one: it is cleaned up', { skip }, async (t) => {
  const s = new TestStore(t);
  const run = onTerminal(s.store, ['import', '-'], { env: preload(CLOCK) });
  run.input.write(LARGE.subarray(0, 1 << 20));
  await run.seen(/importing/);
  assert.equal(staged(s.store).length, 1);
  run.interrupt();
  await sleep(50);
  run.interrupt();
  const { code, screen } = await run.ended;
  assert.deepEqual([code, screen.lines], [130, ['cairn: -: cancelled', '']]);
  assert.deepEqual(staged(s.store), []);
});

test('an interrupt half a second after the first ends at once, and leaves no progress', { skip }, async (t) => {
  const s = new TestStore(t);
  const run = onTerminal(s.store, ['import', '-'], { env: DEAF });
  run.input.write(LARGE.subarray(0, 1 << 20));
  await run.seen(/importing/);
  run.interrupt();
  await sleep(100);
  run.interrupt();
  await sleep(1000);
  assert.equal(await Promise.race([run.ended, sleep(0, 'runs')]), 'runs', 'two at once are one');
  run.interrupt();
  const { code, screen } = await run.ended;
  assert.equal(code, 130);
  assert.deepEqual(screen.lines, ['']);
});

test('nothing binary goes to a terminal', { skip }, async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.write('small.aci', SMALL)]);
  const { key } = await s.json<{ key: string }>(['put', s.path('small.aci')]);
  for (const args of [
    ['export', 'example.com/small', '-'],
    ['get', key],
    ['get', key, '-'],
  ]) {
    const { code, screen } = await onTerminal(s.store, args).ended;
    assert.deepEqual([code, screen.lines.length], [2, 2]);
    assert.match(screen.lines[0] as string, /standard output is a terminal/);
    const refused = await onTerminal(s.store, [...args, '--json']).ended;
    assert.match(refused.sent, /"code":"ERR_USAGE"/);
  }
});

test('a render tells people, once, that its trees are for reading', { skip }, async (t) => {
  const s = new TestStore(t);
  await s.ok(['import', s.write('small.aci', SMALL), s.write('large.aci', LARGE)]);
  const args = ['render', '--mode', 'link', 'example.com/small', 'example.com/large'];
  for (let i = 0; i < 2; i++) {
    const { code, screen } = await onTerminal(s.store, args, { columns: 500 }).ended;
    assert.equal(code, 0);
    assert.equal(screen.lines.filter((line) => /read them only/.test(line)).length, 1);
    assert.equal(screen.lines.filter((line) => /rootfs$/.test(line)).length, 2);
  }
  assert.doesNotMatch((await s.ok(args)).stderr, /read them only/);
});

/** Imports a small file and a standard input that waits. @returns once the file is told of */
async function withSlowSource(t: TestContext, ...options: string[]) {
  const s = new TestStore(t);
  const small = s.write('small.aci', SMALL);
  const run = onTerminal(s.store, ['import', '--jobs', '2', '-', small, ...options], { redirected: true });
  run.input.write(LARGE.subarray(0, 1 << 20));
  await run.seen(/example\.com\/small/);
  return { s, run, small };
}

test('results come as they are done', { skip }, async (t) => {
  const lines = await withSlowSource(t, '--json', '--stream');
  lines.run.input.end(LARGE.subarray(1 << 20));
  const { code, stdout } = await lines.run.ended;
  const names = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).name);
  assert.deepEqual([code, names], [0, ['example.com/small', 'example.com/large']]);
  for (const options of [[], ['--json', '--stream']]) {
    await t.test(`what is in is told after an interrupt: ${options.join(' ')}`, async (t) => {
      const { s, run } = await withSlowSource(t, ...options);
      run.interrupt();
      const ended = await run.ended;
      assert.equal(ended.code, 130);
      assert.match(ended.stdout, /^[^\n]*example\.com\/small[^\n]*\n$/);
      assert.deepEqual([(await s.json<unknown[]>(['ls'])).length, staged(s.store)], [1, []]);
    });
  }
  await t.test('what is in is told after an interrupt, as one array', async (t) => {
    const s = new TestStore(t);
    const run = onTerminal(s.store, ['import', '-', s.write('small.aci', SMALL), '--json'], { redirected: true });
    run.input.write(LARGE.subarray(0, 1 << 20));
    await run.seen(/importing/);
    while ((await s.json<unknown[]>(['ls'])).length === 0) await sleep(50);
    run.interrupt();
    const { code, stdout } = await run.ended;
    assert.equal(code, 130);
    assert.deepEqual(
      JSON.parse(stdout).map(({ name }: { name: string }) => name),
      ['example.com/small'],
    );
  });
});

test('an import of 200 sources tells how many are done, and when it will be', { skip }, async (t) => {
  const s = new TestStore(t);
  fs.mkdirSync(s.path('in'));
  for (let i = 0; i < 200; i++) s.aci(`in/${i}.aci`, { name: `example.com/a${i}` }, [{ name: 'f', content: `${i}` }]);
  const run = onTerminal(s.store, ['import', '--recursive', s.path('in')], { redirected: true, env: HURRY });
  const { code, screen } = await run.ended;
  assert.equal(code, 0);
  assert.ok(
    screen.drawn.some((line) => /^importing 200 sources: \d+% .* of .*, .* left$/.test(line)),
    screen.drawn.join('\n'),
  );
  assert.ok(screen.drawn.every((line) => line.includes('%')) && !screen.wrapped);
});
