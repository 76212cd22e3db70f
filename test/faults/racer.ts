/**
 * One of several processes at one store: `racer.js STORE SOURCES EXPECTED SECONDS SEED`. It opens the store, does a few
 * things at random, reports them as a line of JSON, closes the store and begins anew. Every leased tree, export and
 * checkout is compared with the known tree of its image.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openStore, type Store } from '../../engine/store.js';
import { describeTree } from '../fixtures/tree.js';
import { randomFrom } from './busy.js';
import { IMAGES } from './ground.js';

/** For each source the image's key, and a hash over all entries of its tree. */
export type Expectations = Readonly<Record<string, { key: string; tree: string }>>;

export interface RaceReport {
  /** The number of operations, by kind. */
  done: Record<string, number>;
  /** The number of trees, exports and checkouts that were compared. */
  reads: number;
  /** The number of expected refusals, by code. */
  refused: Record<string, number>;
  longestMs: number;
  wrong: string[];
}

/** Refusals that are right while other processes remove, hold and release things. */
const DUE = ['ERR_NOT_FOUND', 'ERR_HELD'];
const LEASE_MS = 60_000;
const LONGEST_WAIT_MS = 300;

/** Set where trees can be mounted: the directory of the race's mounts. */
const MOUNTS = process.env['CAIRN_RUN_DIR'] !== undefined;

export function hashTree(root: string): string {
  return createHash('sha256').update(describeTree(root).join('\n')).digest('hex');
}

function noReport(): RaceReport {
  return { done: {}, reads: 0, refused: {}, longestMs: 0, wrong: [] };
}

class Racer {
  #report = noReport();
  readonly #sources: string;
  readonly #scratch: string;
  readonly #expected: Expectations;
  readonly #random: () => number;

  constructor(sources: string, scratch: string, expected: Expectations, seed: number) {
    this.#sources = sources;
    this.#scratch = scratch;
    this.#expected = expected;
    this.#random = randomFrom(seed);
  }

  async session(dir: string): Promise<void> {
    await using store = await openStore({ dir, workers: 1 });
    for (let left = this.#below(5); left >= 0; left--) await this.#act(store);
    fs.writeSync(1, `${JSON.stringify(this.#report)}\n`);
    this.#report = noReport();
  }

  async #act(store: Store): Promise<void> {
    const source = this.#pick(IMAGES);
    const { key, tree } = this.#expected[source] as Expectations[string];
    const acts: Record<string, () => Promise<unknown>> = {
      import: () => store.import(join(this.#sources, source), { keepArchive: this.#random() < 0.2 }),
      'import again': () => store.import(join(this.#sources, source)),
      'read a tree': () => this.#readTree(store, source, tree),
      'read a tree again': () => this.#readTree(store, source, tree),
      export: () => this.#readExport(store, source, key),
      checkout: () => this.#readCheckout(store, key, tree),
      check: () => this.#check(store, key),
      list: () => this.#list(store, key),
      rm: () => store.rm([key]),
      'tree rm': () => store.removeTrees(store.findTrees(key)),
      gc: () => store.gc({ images: true, graceMs: this.#random() < 0.5 ? 0 : 3_600_000 }),
      'run on a pod': () => this.#readPod(store, source, tree),
      'pod gc': () => store.gcPods({ expirePreparedMs: LEASE_MS }),
      ...(MOUNTS ? { 'read a mount': () => this.#readMount(store, source, tree) } : {}),
      pin: async () => {
        await store.pin(key);
        await store.unpin(key);
      },
    };
    const name = this.#pick(Object.keys(acts));
    const begun = performance.now();
    try {
      await acts[name]?.();
      this.#report.done[name] = (this.#report.done[name] ?? 0) + 1;
    } catch (error) {
      const { code = 'no code', message, stack } = error as { code?: string; message: string; stack?: string };
      if (DUE.includes(code)) this.#report.refused[code] = (this.#report.refused[code] ?? 0) + 1;
      else this.#complain(`${name} ${source}: ${code} ${message} ${code === 'no code' ? stack : ''}`);
    }
    this.#report.longestMs = Math.max(this.#report.longestMs, Math.round(performance.now() - begun));
  }

  /** A leased tree stays complete, whatever other processes do. */
  async #readTree(store: Store, source: string, expected: string): Promise<void> {
    const { key } = await store.import(join(this.#sources, source));
    const { treeId, path } = await store.render(key, { mode: 'link' });
    const lease = await store.lease(treeId, LEASE_MS, `racer ${process.pid}`);
    this.#compare(`the tree of ${key}`, hashTree(path), expected);
    await store.releaseLease(lease.id);
  }

  /** So does what a pod runs on. */
  async #readPod(store: Store, source: string, expected: string): Promise<void> {
    const { key } = await store.import(join(this.#sources, source));
    const { id, apps } = await store.preparePod([key], { pull: 'never' });
    this.#compare(`what pod ${id} runs on`, hashTree(apps[0]?.rootfs as string), expected);
    await store.removePods([id]);
  }

  /** So does what is mounted, with nothing else that holds it. A gc has some time to do harm before it is read. */
  async #readMount(store: Store, source: string, expected: string): Promise<void> {
    const { key } = await store.import(join(this.#sources, source));
    const dir = fs.mkdtempSync(join(this.#scratch, 'mount-'));
    const { path } = await store.mount(key, { dir });
    await setTimeout(this.#random() * LONGEST_WAIT_MS);
    this.#compare(`the mount of ${key}`, hashTree(path), expected);
    await store.unmount(dir);
  }

  async #readExport(store: Store, source: string, key: string): Promise<void> {
    const file = join(this.#scratch, 'export.tar');
    if (!source.endsWith('.aci')) return;
    await store.export(key, file, { force: true });
    const found = createHash('sha512').update(fs.readFileSync(file)).digest('hex');
    this.#compare(`the export of ${source}`, `sha512-${found}`, key);
  }

  async #readCheckout(store: Store, key: string, expected: string): Promise<void> {
    const dir = join(this.#scratch, 'checkout');
    await store.checkout(key, dir, { force: true });
    this.#compare(`the checkout of ${key}`, hashTree(join(dir, 'rootfs')), expected);
  }

  async #check(store: Store, key: string): Promise<void> {
    const { damaged } = await store.check([key]);
    for (const { kind, id, what } of damaged) this.#complain(`check: ${kind} ${id} ${what}`);
  }

  async #list(store: Store, key: string): Promise<void> {
    for await (const { size } of store.images()) if (!(size > 0)) this.#complain('an image of no size');
    for await (const { path } of store.files(key)) if (path === '') this.#complain('a file without a path');
    await store.du();
  }

  #compare(what: string, found: string, expected: string): void {
    this.#report.reads++;
    if (found !== expected) this.#complain(`${what} is not what it should be: ${found}`);
  }

  #complain(what: string): void {
    this.#report.wrong.push(what);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(all: readonly T[]): T {
    return all[this.#below(all.length)] as T;
  }
}

async function main(args: readonly string[]): Promise<void> {
  const [dir, sources, expected, seconds, seed] = args as [string, string, string, string, string];
  const scratch = fs.mkdtempSync(join(sources, '..', 'racer-'));
  const racer = new Racer(sources, scratch, JSON.parse(fs.readFileSync(expected, 'utf8')), Number(seed));
  const end = Date.now() + Number(seconds) * 1000;
  while (Date.now() < end) await racer.session(dir);
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2));
