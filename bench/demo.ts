/**
 * The demo, `npm run demo`: a chain of images is packed from files of this machine, then imported, rendered, checked,
 * changed and collected. It fails if a check finds damage. With `--keep` it leaves its store, with images in it.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatMs, formatSize } from '../cli/units.js';
import { type CheckResult, type Collected, type Imported, openStore, type Rendered } from '../engine/api.js';
import { installedPackages, packImage } from './inputs/images.js';
import { withScratch } from './inputs/scratch.js';

const BASE = 'example.com/demo/base';
const MORE = 'example.com/demo/more';
const TOP = 'example.com/demo/app';
const OLD = '1.0.0';
const NEW = '1.1.0';
const PREFIX = 'cairn-demo-';

const { keep } = parseArgs({ options: { keep: { type: 'boolean', default: false } } }).values;

/** The application in the uppermost image is cairn's own command line. */
const APPLICATION = { from: fileURLToPath(new URL('../cli/', import.meta.url)), to: 'app' };

async function step<T>(what: string, work: () => Promise<T>, tell: (result: T) => string): Promise<T> {
  const begun = performance.now();
  const result = await work();
  process.stdout.write(
    `${what.padEnd(34)} ${formatMs(Math.round(performance.now() - begun)).padStart(8)}   ${tell(result)}\n`,
  );
  return result;
}

/**
 * Packs three images: installed packages, more packages, and a small application. The whitelist of the last image drops
 * what only developers read.
 * @returns the archives, lowest first, and the whitelist
 */
async function packChain(dir: string) {
  const packages = installedPackages();
  const half = Math.ceil(packages.length / 2);
  const base = join(dir, 'base.aci');
  const more = join(dir, 'more.aci');
  const below = [
    ...(await packImage(base, { name: BASE, version: OLD, directories: packages.slice(0, half) })),
    ...(await packImage(more, {
      name: MORE,
      version: OLD,
      dependencies: [{ name: BASE, version: OLD }],
      directories: packages.slice(half),
    })),
  ];
  // The whitelist must name the application's own paths, too. Packing it without a whitelist tells which these are.
  const own = await packImage(join(dir, 'own.aci'), { name: TOP, version: OLD, ...application(OLD) });
  const kept = [...below, ...own].filter((path) => !/\.(?:md|d\.ts|map)$/.test(path));
  const top = await packTop(dir, OLD, kept);
  return { archives: [base, more, top], kept, dropped: below.length + own.length - kept.length };
}

function application(version: string) {
  return { directories: [APPLICATION], files: { 'app/version': `${version}\n` } };
}

async function packTop(dir: string, version: string, pathWhitelist: readonly string[]): Promise<string> {
  const file = join(dir, `app-${version}.aci`);
  await packImage(file, {
    name: TOP,
    version,
    dependencies: [{ name: MORE, version: OLD }],
    pathWhitelist,
    ...application(version),
  });
  return file;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function tellImport({ name, objects }: Imported): string {
  const { shared, sharedBytes, newBytes } = objects;
  const fresh = `${count(objects.new, 'new object')} (${formatSize(newBytes)})`;
  return `${name.split('/').at(-1)}: ${fresh}, ${shared} shared (${formatSize(sharedBytes)})`;
}

const tellRender = ({ files, bytes, uniqueBytes }: Rendered): string =>
  `${count(files, 'file')}, ${formatSize(bytes)}, of which ${formatSize(uniqueBytes)} written anew`;

const tellCheck = ({ checked, damaged }: CheckResult): string =>
  `${count(checked.objects, 'object')}, ${count(checked.trees, 'tree')}, ${formatSize(checked.bytes)}: ` +
  `${damaged.length === 0 ? 'all is well' : `${damaged.length} DAMAGED`}`;

const tellCollected = ({ removed, freedBytes, keptBytes }: Collected): string =>
  `${count(removed.images, 'image')}, ${count(removed.trees, 'tree')}, ${count(removed.objects, 'object')} removed: ` +
  `${formatSize(freedBytes)} freed, ${formatSize(keptBytes)} kept`;

interface Story {
  store: string;
  /** Whether every check was clean. */
  ok: boolean;
}

async function story(dir: string): Promise<Story> {
  const { archives, kept } = await step(
    'pack three layered ACIs',
    () => packChain(dir),
    ({ kept, dropped }) => `${kept.length + dropped} paths, ${dropped} of them dropped by the whitelist of the top one`,
  );
  await using store = await openStore({ dir: join(dir, 'store') });
  for (const archive of archives) await step('import', () => store.import(archive), tellImport);
  const first = await step('render the top one', () => store.render(`${TOP}:${OLD}`), tellRender);
  await step(
    'render it again',
    () => store.render(`${TOP}:${OLD}`),
    ({ existed }) => (existed ? 'it was there' : 'made anew'),
  );
  const before = await step('check everything', () => store.check(), tellCheck);

  const changed = await step(
    'pack a new version of the top one',
    () => packTop(dir, NEW, kept),
    () => 'one file changed',
  );
  await step('import it', () => store.import(changed), tellImport);
  const second = await step('render it', () => store.render(`${TOP}:${NEW}`), tellRender);
  await step(
    'du',
    () => store.du(),
    ({ images, trees, storedBytes, perImage }) => {
      const size = perImage.reduce((sum, each) => sum + each.size, 0);
      const content = `${formatSize(size)} of layers and ${formatSize(first.bytes + second.bytes)} of trees`;
      return `${count(images, 'image')}, ${count(trees, 'tree')}: ${formatSize(storedBytes)} stored for ${content}`;
    },
  );

  await step(
    'remove the old version',
    () => store.rm([`${TOP}:${OLD}`]),
    ([removed]) =>
      `and ${count(removed?.removedTrees.length ?? 0, 'tree')}; ${formatSize(removed?.freedBytes ?? 0)} freed at once`,
  );
  await step('collect: names keep images', () => store.gc({ graceMs: 0 }), tellCollected);
  await step('render the new one again', () => store.render(`${TOP}:${NEW}`), tellRender);
  const after = await step('check everything again', () => store.check(), tellCheck);
  if (!keep) await step('collect named images, too', () => store.gc({ graceMs: 0, images: true }), tellCollected);
  return { store: store.dir, ok: before.ok && after.ok };
}

/** Commands for whoever wants to see more, with a store that has the demo's images in it. */
function nextSteps(store: string): string {
  const program = fileURLToPath(new URL('../cli/cairn.cjs', import.meta.url));
  const commands = [
    'ls',
    'du',
    `inspect ${TOP}`,
    `files ${TOP} app`,
    `cat ${TOP} app/version`,
    `checkout ${TOP} ./bundle`,
    'check',
    'gc --images --grace-period 0 --dry-run',
  ];
  return commands.map((command) => `  node ${program} --store ${store} ${command}\n`).join('');
}

async function main(): Promise<Story> {
  if (!keep) return withScratch(tmpdir(), PREFIX, story);
  return story(mkdtempSync(join(tmpdir(), PREFIX)));
}

const { ok, store } = await main();
process.stdout.write(
  keep
    ? `\nThe store is kept: --store ${store}\nTry next:\n${nextSteps(store)}Remove it with: rm -r ${dirname(store)}\n`
    : `\nThis was in ${dirname(store)}, which is removed. "npm run demo -- --keep" keeps the store, and tells what to try with it.\n` +
        'Next: docs/getting-started.md makes images by hand, docs/cookbook.md has tasks of every day.\n',
);
process.exitCode = ok ? 0 : 1;
