/** What the page shows, gathered. What costs more than a look at the index is kept until the store changes. */
import type { Progress } from '../../core/operation.js';
import type { ImageSummary, Serving } from '../serving.js';

/** Rows of each table. Whoever wants more asks the API. */
const ROWS = 200;
const EVENTS = 12;
/** A busy store changes all the time; nobody reads faster than this. */
const KEPT_MS = 2000;
/** Damage comes without an event. */
const OLDEST_MS = 60_000;

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
  free: { bytes: number; images: readonly string[]; trees: readonly string[] };
  damaged: readonly { what: string; why: string }[];
  events: readonly { id: number; at: number; event: string; about: string }[];
  running: readonly { what: string; about: string; begun: number; progress?: Progress | undefined }[];
}

interface Gathered extends Omit<PageState, 'running' | 'events'> {
  /** What images are called. */
  titles: ReadonlyMap<string, string>;
}

export class PageStates {
  readonly #serving: Serving;
  #kept: { at: number; lastEvent: number; state: Promise<Gathered> } | undefined;

  constructor(serving: Serving) {
    this.#serving = serving;
  }

  /** @throws CairnError `ERR_DAMAGED` where even the index cannot be read */
  async now(): Promise<PageState> {
    const { store, running } = this.#serving;
    const { lastEvent } = await store.counts();
    const { titles, ...gathered } = await this.#gathered(lastEvent);
    return { ...gathered, events: await eventsIn(store, titles), running: running.list() };
  }

  async #gathered(lastEvent: number): Promise<Gathered> {
    const known = this.#kept;
    const age = Date.now() - (known?.at ?? 0);
    if (known !== undefined && age < (known.lastEvent === lastEvent ? OLDEST_MS : KEPT_MS)) return known.state;
    const state = gather(this.#serving);
    this.#kept = { at: Date.now(), lastEvent, state };
    state.catch(() => {
      this.#kept = undefined;
    });
    return state;
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
    free: {
      bytes: freedBytes,
      images: gone.images.map(({ key, names }) => names[0] ?? key),
      trees: gone.trees.map(({ treeId }) => treeId),
    },
    damaged: await damagedIn(store),
  };
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

async function damagedIn(store: Serving['store']): Promise<PageState['damaged'][number][]> {
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
  return events.reverse().map(({ id, at, event, names, image, tree }) => {
    const title = image === undefined ? undefined : (titles.get(image) ?? image);
    return { id, at, event, about: names?.[0] ?? title ?? tree ?? '' };
  });
}
