/**
 * The ground for faulted commands: small images that share content, and stores in states that a fault can harm. Each
 * state is made once, and every command gets a copy of its own.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { Layout } from '../../engine/disk/layout.js';
import { lock } from '../../engine/disk/lock.js';
import { contextOf } from '../../engine/facade/opened.js';
import { putPod } from '../../engine/index/pods.js';
import type { ImageRecord, PodRecord } from '../../engine/index/records.js';
import { manifestOfImages } from '../../engine/pod/manifest-of-images.js';
import { preparePod } from '../../engine/pod/prepare.js';
import { openStore } from '../../engine/store.js';
import { aci, type EntrySpec, tar } from '../fixtures/archive.js';
import { PROGRAM } from '../fixtures/cli.js';
import { ociLayout } from '../fixtures/oci.js';
import { inPacks } from './layouts.js';
import type { Place } from './place.js';
import { runTraced } from './strace.js';

/**
 * - `none`: no store
 * - `images`: images and a blob
 * - `trees`: rendered trees, too; an image is pinned and a tree leased
 * - `orphans`: also objects and blobs of removed images, and the leftovers of an import that was killed before its
 *   commit
 * - `pods`: as `trees`, and two prepared pods, of which one was run
 * - `scattered`: as `images`, and very many small contents of a removed image, with a few between them that another one
 *   needs; with packs only
 */
export const SEEDS = ['none', 'images', 'trees', 'orphans', 'pods', 'scattered'] as const;
export type Seed = (typeof SEEDS)[number];

/** Ids of the pods of a seed: prepared, and run. */
export const PODS = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'] as const;

const SHARED = 'the same in several images\n'.repeat(20);
const LARGE = Buffer.alloc(100_000, 'large');

const HUGE = Buffer.from(Uint32Array.from({ length: 1_250_000 }, (_none, i) => Math.imul(i, 2_654_435_761)).buffer);

/** Together they are more than an import leaves to a gc where two images bring them at a time. */
const TWINS: readonly Buffer[] = Array.from({ length: 20 }, (_none, i) => HUGE.subarray(i * 80_000, (i + 1) * 80_000));
const twins = (mtime: number): EntrySpec[] => TWINS.map((content, i) => ({ name: `${i}`, content, mtime }));

const common: EntrySpec[] = [
  { name: 'etc', flag: '5' },
  { name: 'etc/shared', content: SHARED },
];

/** A file of 100 000 bytes, of which only the last ones are written. */
const HOLES = { 'GNU.sparse.size': '100000', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '99987,13' };

const ACIS: Readonly<Record<string, Buffer>> = {
  base: aci({ name: 'example.com/base' }, [...common, { name: 'etc/large', content: LARGE }]),
  app: aci({ name: 'example.com/app', dependencies: [{ imageName: 'example.com/base' }] }, [
    ...common,
    { name: 'app', content: 'app' },
    { name: 'link', flag: '1', link: 'app' },
    { name: 'etc/soft', flag: '2', link: '../app' },
    { name: 'fifo', flag: '6' },
  ]),
  other: aci({ name: 'example.com/other' }, [
    ...common,
    { name: 'other', content: Buffer.alloc(90_000, 'other') },
    { name: 'again', flag: '1', link: 'other' },
    { name: 'own', content: 'own', uid: 7, mode: 0o4755, mtime: 1_000_000_000 },
    { name: 'holes', content: 'behind a hole', pax: HOLES },
  ]),
  /** Large enough for workers to share it. Where the disk allows it, its pack is written past the page cache. */
  huge: aci({ name: 'example.com/huge' }, [
    ...common,
    { name: 'huge', content: HUGE },
    { name: 'small', content: 'small' },
  ]),
  twin: aci({ name: 'example.com/twin' }, twins(1_000_000_000)),
  rebuilt: aci({ name: 'example.com/rebuilt' }, twins(1_000_000_001)),
  third: aci({ name: 'example.com/third' }, [{ name: 'third', content: 'third' }]),
};

/** So many that a gc writes their pack anew when few of them live on: each block has a part of one of those. */
const SCATTERED: EntrySpec[] = Array.from({ length: 2000 }, (_none, i) => ({
  name: `${i}`,
  content: `scattered ${i} `.repeat(50),
}));
/** No command imports these. */
const OF_SEED: Readonly<Record<string, Buffer>> = {
  many: aci({ name: 'example.com/many' }, SCATTERED),
  few: aci(
    { name: 'example.com/few' },
    SCATTERED.filter((_entry, i) => i % 4 === 0),
  ),
};

const bottom = tar([...common, { name: 'gone', content: 'gone' }]);
const layers = {
  web: [bottom, tar([{ name: '.wh.gone' }, { name: 'web', content: Buffer.alloc(70_000, 'web') }])],
  shop: [bottom, tar([{ name: 'shop', content: 'shop' }]), tar([{ name: 'top', flag: '1', link: 'shop' }])],
};

/** Blobs: one that a seed holds, and one to `put`. */
export const BLOBS = { kept: 'a blob that was there before', new: 'a blob that is new' } as const;

/** An image that no seed and no command has. */
export const MORE = 'more.aci';

/** File names of the images among the sources. */
export const IMAGES = [...Object.keys(ACIS).map((name) => `${name}.aci`), ...Object.keys(layers)];

const ANOTHER = aci({ name: 'example.com/more' }, [...common, { name: 'more', content: Buffer.alloc(9000, 'more') }]);

/** Writes the images and blobs to `dir/sources`. */
export function makeSources(dir: string): void {
  const sources = join(dir, 'sources');
  fs.mkdirSync(sources);
  for (const [name, bytes] of Object.entries(ACIS)) fs.writeFileSync(join(sources, `${name}.aci`), bytes);
  fs.writeFileSync(join(sources, MORE), ANOTHER);
  ociLayout(join(sources, 'web'), [{ ref: 'web:1', layers: layers.web, compress: 'gzip' }]);
  ociLayout(join(sources, 'shop'), [{ ref: 'shop:1', layers: layers.shop }]);
  for (const [name, text] of Object.entries(BLOBS)) fs.writeFileSync(join(sources, `${name}.blob`), text);
}

/** Layout of objects → the ground that was made for it. */
const prepared = new Map<boolean, string>();

/** Makes the sources and every seed below `dir`. What this process has made before is copied. */
export async function prepareGround(dir: string): Promise<void> {
  const known = prepared.get(inPacks());
  if (known === undefined) {
    await makeGround(dir);
    const kept = fs.mkdtempSync(join(dirname(dir), 'cairn-ground-'));
    process.on('exit', () => fs.rmSync(kept, { recursive: true }));
    copy(`${dir}/.`, kept);
    prepared.set(inPacks(), kept);
  } else copy(`${known}/.`, dir);
}

async function makeGround(dir: string): Promise<void> {
  makeSources(dir);
  fs.mkdirSync(join(dir, 'none'));
  const images = placeIn(dir, 'images');
  fs.mkdirSync(images.dir);
  await using store = await openStore({ dir: images.store, workers: 1 });
  await store.importAll(['base.aci', 'app.aci', 'web'].map((name) => join(images.sources, name)));
  await store.put(join(images.sources, 'kept.blob'));
  await store.close();
  copy(join(dir, 'images'), join(dir, 'trees'));
  await makeTrees(placeIn(dir, 'trees'));
  copy(join(dir, 'trees'), join(dir, 'pods'));
  await makePods(placeIn(dir, 'pods'));
  copy(join(dir, 'trees'), join(dir, 'orphans'));
  await makeOrphans(placeIn(dir, 'orphans'));
  if (!inPacks()) return;
  copy(join(dir, 'images'), join(dir, 'scattered'));
  await makeScattered(placeIn(dir, 'scattered'));
}

async function makeTrees({ store: dir }: Place): Promise<void> {
  await using store = await openStore({ dir, workers: 1 });
  for (const name of ['example.com/app', 'example.com/base', 'web:1']) await store.render(name, { mode: 'link' });
  await store.pin('example.com/base');
  await store.lease('web:1', 3_600_000, 'the seed');
}

async function makePods({ store: dir }: Place): Promise<void> {
  await using store = await openStore({ dir, workers: 1 });
  const context = contextOf(store);
  for (const id of PODS) {
    const images = [await store.resolve('example.com/app'), await store.resolve('web:1')];
    const find = async (argument: string): Promise<ImageRecord> => store.resolve(argument);
    await preparePod(context, manifestOfImages(context, images), { find, id });
  }
  const { index } = context;
  const ran = { startedAt: 1000, exitedAt: 2000, exitCodes: { app: 0, web: 3 } };
  await index.commit(() => putPod(index, { ...(index.pods.get(PODS[1]) as PodRecord), ...ran }));
}

async function makeScattered({ store: dir, sources }: Place): Promise<void> {
  await using store = await openStore({ dir, workers: 1 });
  for (const [name, bytes] of Object.entries(OF_SEED)) {
    const path = join(sources, `${name}.seed`);
    fs.writeFileSync(path, bytes);
    await store.import(path);
    fs.rmSync(path);
  }
  const busy = await lock(new Layout(dir).useLock, false);
  await store.rm(['example.com/many']);
  busy.release();
}

/** Removes images while the use lock is held, so that nothing is swept, and kills an import before its commit. */
async function makeOrphans(place: Place): Promise<void> {
  const { store: dir, sources } = place;
  await using store = await openStore({ dir, workers: 1 });
  await store.importAll(['other.aci', 'third.aci'].map((name) => join(sources, name)));
  const busy = await lock(new Layout(dir).useLock, false);
  await store.rm(['example.com/other', 'example.com/third']);
  busy.release();
  await store.close();
  const killed = await runTraced(PROGRAM, ['import', join(sources, 'shop')], place, {
    call: 'fdatasync',
    nth: 1,
    effect: 'kill',
  });
  if (!killed.killed) throw new Error(`an import that was to be killed was not: ${killed.stderr}`);
}

/** A copy of a seed for one command. */
export function placeFrom(dir: string, seed: Seed, name: string): Place {
  const place = placeIn(dir, name);
  copy(join(dir, seed), place.dir);
  fs.mkdirSync(place.out);
  return place;
}

function placeIn(dir: string, name: string): Place {
  const own = join(dir, name);
  return { dir: own, store: join(own, 'store'), sources: join(dir, 'sources'), out: join(own, 'out') };
}

/** Unlike Node's own copying, this keeps hard links, times and holes. */
function copy(from: string, to: string): void {
  execFileSync('cp', ['-a', '--sparse=always', from, to]);
}
