/** cairn alone, cold and warm, over the number of workers, of layers, of files, and of other images in the store. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { packSmallFiles, packTinyImages } from '../inputs/generated.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { importAll, importNew, makeStore, removeTrees, renderNew, type Store } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { remove, run } from '../measure/process.js';

/** One point on an axis. */
interface Point {
  x: number;
  /** The archives to import, lowest first. The last one is rendered. */
  sources: () => Promise<readonly string[]>;
  flags?: readonly string[];
  /** How many other images are in the store. */
  others?: number;
}

const WORKERS = [1, 2, 3, 4];

export function scaling(ground: Ground): Scenario[] {
  const { corpus, sizes, dir } = ground;
  const all = async () => corpus.images;
  return [
    ...both(
      ground,
      'workers',
      WORKERS.map((x) => ({ x, sources: all, flags: ['--workers', `${x}`] })),
    ),
    ...both(
      ground,
      'layers',
      corpus.images.map((_image, i) => ({ x: i + 1, sources: async () => corpus.images.slice(0, i + 1) })),
    ),
    ...both(
      ground,
      'files',
      sizes.filesAxis.map((x) => ({ x, sources: async () => [await smallLayer(dir, x)] })),
    ),
    ...both(
      ground,
      'images in the store',
      sizes.storeAxis.map((x) => ({ x, sources: all, others: x })),
    ),
  ];
}

async function smallLayer(dir: string, files: number): Promise<string> {
  const archive = join(dir, `files-${files}.aci`);
  if (!fs.existsSync(archive)) await packSmallFiles(archive, files);
  return archive;
}

/** `cold` imports and renders into a store that holds only the other images; `warm` renders alone. */
function both(ground: Ground, over: string, points: readonly Point[]): Scenario[] {
  return (['cold', 'warm'] as const).map((line) => {
    const make = line === 'cold' ? coldPoint : warmPoint;
    const contestants = points.map((point) => make(ground, over, point));
    return {
      name: `scaling: ${over}, ${line}`,
      what: `${line === 'cold' ? 'import and render' : 'render of what is imported'}, over ${over}`,
      measure: 'wall',
      axis: { over, line },
      contestants: contestants as [Contestant, ...Contestant[]],
      skipped: [],
      close: async () => {
        await remove(...points.map((point) => stored(ground, over, point).dir));
      },
    };
  });
}

function coldPoint(ground: Ground, over: string, { x, sources, flags = [], others = 0 }: Point): Contestant {
  const store = storeIn(ground, 'new');
  const kept = stored(ground, over, { x });
  let archives: readonly string[] = [];
  return {
    name: `${x}`,
    x,
    prepare: async () => {
      archives = await sources();
      if (others === 0) return makeStore(store);
      if (!fs.existsSync(kept.dir)) await addOthers(ground, kept, others);
      await run(['cp', '-a', kept.dir, store.dir]);
    },
    run: async (stopwatch) => {
      const key = (await importNew(stopwatch, store, archives, ...flags)).at(-1)?.key as string;
      return (await renderNew(stopwatch, store, key, ...flags)).path;
    },
    clear: () => remove(store.dir),
  };
}

function warmPoint(ground: Ground, over: string, { x, sources, flags = [], others = 0 }: Point): Contestant {
  const store = stored(ground, over, { x });
  let key = '';
  return {
    name: `${x}`,
    x,
    prepare: async () => {
      if (key === '') {
        await makeStore(store);
        if (others > 0) await addOthers(ground, store, others);
        key = (await importAll({ run }, store, await sources())).at(-1)?.key as string;
      }
      await removeTrees(store);
    },
    run: async (stopwatch) => (await renderNew(stopwatch, store, key, ...flags)).path,
  };
}

function stored(ground: Ground, over: string, { x }: Pick<Point, 'x'>): Store {
  return storeIn(ground, `at-${over.replaceAll(' ', '-')}-${x}`);
}

/** Packs as many images as the largest point needs, so that they are packed only once. */
async function addOthers({ dir, sizes }: Ground, store: Store, count: number): Promise<void> {
  await makeStore(store);
  const archives = await packTinyImages(join(dir, 'tiny'), Math.max(count, sizes.tinyImages));
  await importAll({ run }, store, archives.slice(0, count));
}
