/**
 * The main job on real input: a chain of layered images packed from files that this machine has, imported, rendered, checked, changed
 * and collected. Run with `npm run demo`.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatMs, formatSize } from '../cli/units.js';
import { openStore } from '../engine/api.js';
import { packImage } from './images.js';

const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const TOP = 'example.com/demo/app';

async function step<T>(what: string, work: () => Promise<T>, tell: (result: T) => string): Promise<T> {
  const begun = performance.now();
  const result = await work();
  process.stdout.write(
    `${what.padEnd(34)} ${formatMs(Math.round(performance.now() - begun)).padStart(8)}   ${tell(result)}\n`,
  );
  return result;
}

/** Three layers: a base of installed packages, more of them on top, and a small application that hides part of what is below. */
async function packChain(dir: string): Promise<string[]> {
  const packages = fs.readdirSync(MODULES).filter((name) => !name.startsWith('.') && !name.startsWith('@'));
  const half = Math.ceil(packages.length / 2);
  const below = (names: readonly string[]) => names.map((name) => ({ from: join(MODULES, name), to: `lib/${name}` }));
  const version = '1.0.0';
  const base = await packImage(join(dir, 'base.aci'), {
    name: 'example.com/demo/base',
    version,
    directories: below(packages.slice(0, half)),
  });
  const more = await packImage(join(dir, 'more.aci'), {
    name: 'example.com/demo/more',
    version,
    dependencies: [{ name: 'example.com/demo/base', version }],
    directories: below(packages.slice(half)),
  });
  const kept = [...base, ...more, '/app/main.js'].filter((path) => !path.endsWith('.md'));
  await packTop(dir, '1.0.0', kept, 'console.log("hello")\n');
  return kept;
}

function packTop(dir: string, version: string, pathWhitelist: readonly string[], code: string): Promise<string[]> {
  return packImage(join(dir, `app-${version}.aci`), {
    name: TOP,
    version,
    dependencies: [{ name: 'example.com/demo/more', version: '1.0.0' }],
    pathWhitelist,
    files: { 'app/main.js': code },
  });
}

async function main(): Promise<number> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'cairn-demo-'));
  try {
    const kept = await step(
      'pack three layered ACIs',
      () => packChain(dir),
      (paths) => `${paths.length} paths in all`,
    );
    await using store = await openStore({ dir: join(dir, 'store') });
    await step(
      'import them',
      () => store.importAll(['base.aci', 'more.aci', 'app-1.0.0.aci'].map((name) => join(dir, name))),
      (all) =>
        all
          .map((each) => ('error' in each ? '' : `${each.objects.new} objects (${formatSize(each.objects.newBytes)})`))
          .join(', '),
    );
    const first = await step(
      'render the top one',
      () => store.render(`${TOP}:1.0.0`),
      ({ files, bytes, uniqueBytes }) =>
        `${files} files, ${formatSize(bytes)}, of which ${formatSize(uniqueBytes)} are written anew`,
    );
    await step(
      'render it again',
      () => store.render(`${TOP}:1.0.0`),
      ({ existed }) => (existed ? 'it was there' : 'made anew'),
    );
    const check = await step(
      'check everything',
      () => store.check(),
      ({ checked, ok }) =>
        `${checked.objects} objects, ${checked.trees} tree, ${formatSize(checked.bytes)}: ${ok ? 'all is well' : 'DAMAGED'}`,
    );
    await step(
      'pack a new version of the top one',
      () => packTop(dir, '1.1.0', kept, 'console.log("hello again")\n'),
      () => 'one file changed',
    );
    await step(
      'import it',
      () => store.import(join(dir, 'app-1.1.0.aci')),
      ({ objects }) => `${objects.new} new object, ${objects.shared} shared`,
    );
    await step(
      'render the new version',
      () => store.render(`${TOP}:1.1.0`),
      ({ files, bytes, uniqueBytes }) =>
        `${files} files, ${formatSize(bytes)}, of which ${formatSize(uniqueBytes)} are written anew`,
    );
    const usage = await step(
      'du',
      () => store.usage(),
      ({ images, trees, storedBytes, logicalBytes }) =>
        `${images} images, ${trees} trees: ${formatSize(storedBytes)} stored for ${formatSize(logicalBytes)}`,
    );
    await step(
      'remove the old version',
      () => store.remove([`${TOP}:1.0.0`]),
      ([removed]) => `${removed?.removedTrees.length} tree, ${formatSize(removed?.freedBytes ?? 0)}`,
    );
    await step(
      'collect, with no grace',
      () => store.gc({ graceMs: 0 }),
      ({ removed, freedBytes }) =>
        `${removed.images} images, ${removed.trees} tree, ${removed.objects} objects: ${formatSize(freedBytes)} freed`,
    );
    return check.ok && first.files > 0 && usage.images === 4 ? 0 : 1;
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

process.exitCode = await main();
