/** What the page shows, gathered. What took long to gather is shown for a while. */
import type { Progress } from '../../core/operation.js';
import type { ImageSummary, Serving } from '../serving.js';

/** Rows of each table. Whoever wants more asks the API. */
const ROWS = 200;
const EVENTS = 12;
/** A busy store changes all the time. The page's script asks a little later than this after each change. */
const KEPT_MS = 200;
/** What took long is looked at more seldom: the page may take so much of the server's time. */
const SHARE_OF_TIME = 0.05;

export interface PageImage {
  key: string;
  names: readonly string[];
  format: string;
  platform: string;
  size: number;
  ownBytes: number;
  sharedBytes: number;
  treeBytes: number;
  pinned: boolean;
  importTime: string;
  lastUsed: string;
}

export interface PageState {
  dir: string;
  writable: boolean;
  counts: { images: number; layers: number; objects: number; trees: number };
  stored: { objects: number; blobs: number; trees: number; orphans: number; index: number };
  images: readonly PageImage[];
  trees: readonly { id: string; of: string; files: number; bytes: number; mode: string; lastUsed: number }[];
  pods: readonly { id: string; apps: readonly string[]; state: string; codes: string; createdAt: string }[];
  podCount: number;
  free: { bytes: number; images: readonly string[]; trees: readonly string[] };
  damaged: readonly { what: string; why: string }[];
  events: readonly { id: number; at: number; event: string; about: string }[];
  running: readonly { what: string; about: string; begun: number; progress?: Progress | undefined }[];
}

interface Gathered extends Omit<PageState, 'running' | 'events' | 'damaged'> {
  /** What images are called. */
  titles: ReadonlyMap<string, string>;
}

/** A value that is looked at anew only when it is old, measured by what the last look took. */
class Looked<T> {
  readonly #look: () => Promise<T>;
  #last: { value: Promise<T>; until: number } | undefined;

  constructor(look: () => Promise<T>) {
    this.#look = look;
  }

  get(): Promise<T> {
    if (this.#last !== undefined && performance.now() < this.#last.until) return this.#last.value;
    const begun = performance.now();
    const value = this.#look();
    const last = { value, until: Number.POSITIVE_INFINITY };
    this.#last = last;
    const ended = (): void => {
      const now = performance.now();
      last.until = now + Math.max(KEPT_MS, (now - begun) / SHARE_OF_TIME);
    };
    value.then(ended, () => {
      this.#last = undefined;
    });
    return value;
  }
}

export class PageStates {
  readonly #serving: Serving;
  readonly #gathered: Looked<Gathered>;
  readonly #damaged: Looked<PageState['damaged']>;

  constructor(serving: Serving) {
    this.#serving = serving;
    this.#gathered = new Looked(() => gather(serving));
    this.#damaged = new Looked(() => damagedIn(serving.store));
  }

  /** @throws CairnError `ERR_DAMAGED` where even the index cannot be read */
  async now(): Promise<PageState> {
    const { store, running } = this.#serving;
    const { titles, ...gathered } = await this.#gathered.get();
    const damaged = await this.#damaged.get();
    return { ...gathered, damaged, events: await eventsIn(store, titles), running: running.list() };
  }
}

async function gather({ store, mayWrite }: Serving): Promise<Gathered> {
  const counts = await store.counts();
  const shares = new Map((await store.shares()).map((share) => [share.key, share]));
  const summaries: ImageSummary[] = [];
  for await (const image of store.images()) summaries.push(image);
  const images = summaries.map((image) => imageOf(image, shares.get(image.key)));
  images.sort((a, b) => b.ownBytes + b.sharedBytes - (a.ownBytes + a.sharedBytes));
  const titles = new Map(images.map(({ key, names }) => [key, names[0] ?? key]));
  const trees: PageState['trees'][number][] = [];
  let treeBytes = 0;
  for await (const { id, images: of, files, bytes, uniqueBytes, mode, lastUsed } of store.trees()) {
    treeBytes += uniqueBytes;
    trees.push({ id, of: of.map((key) => titles.get(key) ?? key).join(', '), files, bytes, mode, lastUsed });
  }
  trees.sort((a, b) => b.lastUsed - a.lastUsed);
  const pods = await podsIn(store);
  const { gone, freedBytes } = await store.gc({ dryRun: true });
  const { objectBytes, blobBytes, orphanBytes, indexBytes } = counts;
  return {
    dir: store.dir,
    titles,
    writable: mayWrite,
    counts,
    stored: { objects: objectBytes, blobs: blobBytes, trees: treeBytes, orphans: orphanBytes, index: indexBytes },
    images: images.slice(0, ROWS),
    trees: trees.slice(0, ROWS),
    pods: pods.slice(0, ROWS),
    podCount: pods.length,
    free: {
      bytes: freedBytes,
      images: gone.images.map(({ key, names }) => names[0] ?? key),
      trees: gone.trees.map(({ treeId }) => treeId),
    },
  };
}

/** The newest first. */
async function podsIn(store: Serving['store']): Promise<PageState['pods'][number][]> {
  const pods: PageState['pods'][number][] = [];
  for await (const { pod: id, apps, state, exitCodes = {}, createdAt } of store.pods()) {
    const codes = Object.entries(exitCodes).map(([name, code]) => (apps.length === 1 ? `${code}` : `${name} ${code}`));
    pods.push({ id, apps: apps.map(({ name }) => name), state, codes: codes.join(', '), createdAt });
  }
  return pods.sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

type Share = Awaited<ReturnType<Serving['store']['shares']>>[number];

function imageOf(image: ImageSummary, share: Share | undefined): PageImage {
  const { key, names, format, os, arch, size, pinned, importTime, lastUsed } = image;
  const platform = [os, arch].filter((each) => each !== undefined).join('/');
  const { ownBytes = 0, sharedBytes = 0, treeBytes = 0 } = share ?? {};
  return {
    ...{ key, names, format, platform, size, ownBytes, sharedBytes, treeBytes, pinned, importTime, lastUsed },
  };
}

/** Nothing but documents is looked at: hashing everything is what `check` is for. */
async function damagedIn(store: Serving['store']): Promise<PageState['damaged']> {
  const found: PageState['damaged'][number][] = [];
  for await (const { key, names, what } of store.damaged()) {
    found.push({ what: names[0] ?? key, why: what });
    if (found.length === ROWS) break;
  }
  return found;
}

/** The newest first. */
async function eventsIn(
  store: Serving['store'],
  titles: ReadonlyMap<string, string>,
): Promise<PageState['events'][number][]> {
  const events = await store.recentEvents(EVENTS);
  return events.reverse().map(({ id, at, event, names, image, tree, pod }) => {
    const title = image === undefined ? undefined : (titles.get(image) ?? image);
    return { id, at, event, about: names?.[0] ?? title ?? tree ?? pod ?? '' };
  });
}
