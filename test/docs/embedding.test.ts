/** The programs of `docs/embedding.md` run as the page shows them, each in a process of its own. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type BuildOptions, build, transform } from 'esbuild';
import { openStore } from '../../engine/store.js';
import { aci, tar } from '../fixtures/archive.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { ociLayout } from '../fixtures/oci.js';
import { Served } from '../fixtures/served.js';
import { ROOT } from '../house/sources.js';
import { blocksIn } from './blocks.js';

const run = promisify(execFile);

/** Holds the programs, a store with images, and the package among `node_modules`. */
const dir = temporaryDirectory({ after });
const STORE = join(dir, 'store');
const PAGE = blocksIn('docs/embedding.md', fs.readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8'));

const STATUS = `Package: libc6
Status: install ok installed
Version: 2.36-9+deb12u4

Package: gone
Status: deinstall ok config-files
Version: 1.0
`;

before(async () => {
  fs.mkdirSync(join(dir, 'node_modules'));
  fs.symlinkSync(ROOT, join(dir, 'node_modules/cairn-store'));
  for (const { text, language } of PAGE) {
    const name = /^\/\/ ([a-z-]+)\.ts /.exec(text)?.[1];
    if (language !== 'ts' || name === undefined) continue;
    const { code } = await transform(text, { loader: 'ts', format: 'esm', target: 'node20.12' });
    fs.writeFileSync(join(dir, `${name}.mjs`), code);
  }
  await using store = await openStore({ dir: STORE, workers: 2 });
  ociLayout(join(dir, 'debian'), [
    {
      ref: 'v1',
      layers: [
        tar([
          { name: 'var/lib/dpkg/status', content: STATUS },
          { name: 'var/lib/dpkg/status-old', content: 'Package: old\nVersion: 0\n' },
          { name: 'bin/run', content: '#!/bin/sh\n', mode: 0o755 },
        ]),
      ],
    },
  ]);
  ociLayout(join(dir, 'static'), [
    {
      ref: 'v1',
      layers: [
        tar([
          { name: 'var/lib/dpkg/status.d/tzdata', content: 'Package: tzdata\nVersion: 2024a\n' },
          { name: 'var/lib/dpkg/status.d/tzdata.md5sums', content: '00 usr/share/zoneinfo\n' },
        ]),
      ],
    },
  ]);
  const app = { exec: ['/app'], user: '0', group: '0' };
  fs.writeFileSync(
    join(dir, 'app.aci'),
    aci({ name: 'example.com/app', more: { app } }, [{ name: 'app', content: '#!/bin/sh\n', mode: 0o755 }]),
  );
  await store.importAll([join(dir, 'debian'), join(dir, 'static'), join(dir, 'app.aci')]);
});

const start = (name: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [join(dir, `${name}.mjs`), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

async function linesOf(name: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await run(process.execPath, [join(dir, `${name}.mjs`), ...args]);
  return stdout.split('\n').filter((line) => line !== '');
}

test('a pod is prepared, with a bundle for each app', async () => {
  const lines = await linesOf('prepare-pod', STORE, join(dir, 'bundles'), 'example.com/app', 'example.com/app');
  const bundles = lines.map((line) => JSON.parse(line) as { pod: string; app: string; bundle: string });
  assert.deepEqual(
    bundles.map(({ app }) => app),
    ['app-0', 'app-1'],
  );
  const config = JSON.parse(fs.readFileSync(join(bundles[0]?.bundle as string, 'config.json'), 'utf8'));
  assert.deepEqual(config.process.args, ['/app']);
  await using store = await openStore({ dir: STORE, workers: 1 });
  const { pod = '' } = bundles[0] ?? {};
  const { annotations, state } = await store.showPod(pod);
  assert.deepEqual([annotations, state], [[{ name: 'example.com/owner', value: 'docs' }], 'prepared']);
  await store.removeBundles(join(dir, 'bundles'));
  await store.removePods([pod]);
  await assert.rejects(run(process.execPath, [join(dir, 'prepare-pod.mjs'), STORE, join(dir, 'none'), './none.aci']), {
    code: 3,
  });
});

test('a builder makes the same image each time', async () => {
  const source = join(dir, 'source');
  fs.mkdirSync(source);
  fs.writeFileSync(join(source, 'run'), '#!/bin/sh\n', { mode: 0o755 });
  const [first] = await linesOf('build-app', STORE, 'debian:v1', source, 'app:1');
  const later = new Date();
  fs.utimesSync(join(source, 'run'), later, later);
  const [second] = await linesOf('build-app', STORE, 'debian:v1', source, 'app:2');
  assert.equal(first, second);
  await using store = await openStore({ dir: STORE, workers: 1 });
  const paths = (await store.readDir('app:1', 'srv/app')).map(({ path }) => path);
  assert.deepEqual(paths, ['srv/app/run']);
  const { config, labels } = (await store.inspect('app:1')) as unknown as Record<string, never>;
  assert.match(JSON.stringify([config, labels]), /production/);
});

test('a scanner finds the packages of both kinds of databases', async () => {
  const lines = await linesOf('scan-packages', STORE);
  assert.deepEqual(lines.filter((line) => !line.startsWith('app:')).sort(), [
    'debian:v1\tlibc6\t2.36-9+deb12u4',
    'static:v1\ttzdata\t2024a',
  ]);
  assert.deepEqual(await linesOf('scan-packages', STORE, 'static'), ['static:v1\ttzdata\t2024a']);
});

test('a mirror serves images with the digests that they have upstream', async (t) => {
  const upstream = await Served.start();
  t.after(() => upstream.stop());
  await upstream.fill();
  const mirror = start('mirror', join(dir, 'mirrored'), upstream.host, 'kept:1', 'app:gzip');
  const url = await firstLine(mirror);
  const there = await upstream.ask('/v2/kept/manifests/1');
  const here = await fetch(`${url}/v2/kept/manifests/1?ns=${upstream.host}`);
  assert.equal(here.status, 200);
  const bytes = Buffer.from(await here.arrayBuffer());
  assert.ok(bytes.equals(there.body));
  const { layers } = JSON.parse(bytes.toString()) as { layers: { digest: string }[] };
  for (const { digest } of layers) {
    const blob = await fetch(`${url}/v2/kept/blobs/${digest}?ns=${upstream.host}`);
    const found = createHash('sha256')
      .update(Buffer.from(await blob.arrayBuffer()))
      .digest('hex');
    assert.equal(`sha256:${found}`, digest);
  }
  assert.equal(await ended(mirror), 0);
});

test('a store that is open here is written and watched by others meanwhile', async () => {
  await using store = await openStore({ dir: STORE, workers: 1 });
  const watcher = start('watch-store', STORE);
  const told: string[] = [];
  const watching = new Promise<void>((resolve) => {
    createInterface({ input: watcher.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      told.push(line);
      if (line === 'watching') resolve();
    });
  });
  await watching;
  assert.ok(told.includes('here debian:v1'));
  // Others import at the same time, one of them reads, and here something is collected.
  const key = (await store.put(join(dir, 'app.aci'))).key;
  const elsewhere = [1, 2].map((i) => {
    const file = join(dir, `other-${i}.aci`);
    fs.writeFileSync(file, aci({ name: `example.com/other-${i}` }, [{ name: 'f', content: `${i}` }]));
    const script = `import { openStore } from 'cairn-store';
      await using store = await openStore({ dir: ${JSON.stringify(STORE)}, workers: 1 });
      await store.import(${JSON.stringify(file)});
      await store.render('example.com/other-${i}');`;
    return transform(script, { target: 'node20.12', format: 'esm' }).then(({ code }) =>
      run(process.execPath, ['--input-type=module', '-e', code], { cwd: dir }),
    );
  });
  await Promise.all([...elsewhere, linesOf('scan-packages', STORE), store.gc({ graceMs: 0 })]);
  await store.tag('example.com/other-1', 'seen-here:1');
  for (const i of [1, 2]) assert.equal((await store.stat(`example.com/other-${i}`, 'f')).size, 1);
  assert.deepEqual(await store.removeBlobs([key]).then((gone) => gone.length), 1);
  while (!told.includes('tagged seen-here:1')) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await ended(watcher), 0);
  for (const i of [1, 2]) assert.equal(told.filter((line) => line === `imported example.com/other-${i}`).length, 1);
  assert.ok((await store.check()).ok);
});

test('a bundle runs that leaves the package external, and one that does not says why', async () => {
  const bundled = async (options: BuildOptions, name: string): Promise<string> => {
    const outfile = join(dir, 'bundled', name);
    const entryPoints = [join(dir, options.format === 'cjs' ? 'put.cjs' : 'put.mjs')];
    await build({ entryPoints, outfile, bundle: true, platform: 'node', logLevel: 'error', ...options });
    return outfile;
  };
  const program = (opening: string): string => `${opening}
    openStore({ dir: process.argv[2], workers: 1 }).then(async (store) => {
      console.log((await store.put(process.argv[1])).existed);
      await store.close();
    }).catch((error) => console.log(error.code, error.message));`;
  fs.writeFileSync(join(dir, 'put.mjs'), program("import { openStore } from 'cairn-store';"));
  fs.writeFileSync(join(dir, 'put.cjs'), program("const { openStore } = require('cairn-store');"));
  const external = ['cairn-store'];
  for (const [format, name] of [['esm', 'put.mjs'] as const, ['cjs', 'put.cjs'] as const]) {
    const outfile = await bundled({ format, external }, name);
    const { stdout } = await run(process.execPath, [outfile, join(dir, `store-of-${format}`)]);
    assert.equal(stdout, 'false\n');
  }
  const inside = await bundled({ format: 'cjs', external: ['lmdb', 'koffi', 'piscina'] }, 'inside.cjs');
  for (const name of ['lmdb', 'koffi', 'piscina'])
    fs.symlinkSync(join(ROOT, 'node_modules', name), join(dir, 'node_modules', name));
  const { stdout } = await run(process.execPath, [inside, join(dir, 'store-of-inside')]);
  assert.match(stdout, /^ERR_UNSUPPORTED .*a bundler must leave cairn-store external$/m);
});

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve);
    child.once('exit', () => reject(new Error('it has ended')));
  });
}

/** Ends a program as a service manager does. @returns its exit code */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.kill('SIGTERM');
  });
}
