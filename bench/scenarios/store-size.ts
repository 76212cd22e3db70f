/** cairn alone, over the size of the store: whether answers take longer because the store holds more. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { FILES_PER_IMAGE, type ImageFiles, outdatedOf, packVersions } from '../inputs/generated.js';
import type { Ground } from '../inputs/ground.js';
import { cairn, expect, makeStore, type Store, storeAt } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { remove, run } from '../measure/process.js';
import type { Stopwatch } from '../measure/stopwatch.js';

const AXIS = 'images in the store';

interface Question {
  name: string;
  what: string;
  ask(stopwatch: Stopwatch, store: Sized): Promise<void>;
  /** Puts back what the question took out of the store. */
  restore?: (store: Sized) => Promise<void>;
}

export interface Sized extends Store {
  archives: string;
  images: number;
  /** The key of one of its images. */
  key: string;
}

const QUESTIONS: readonly Question[] = [
  {
    name: 'short key',
    what: 'inspect by twelve digits of a key',
    ask: async (stopwatch, store) => {
      await stopwatch.run(cairn(store, 'inspect', store.key.slice(0, 'sha512-'.length + 12)));
    },
  },
  {
    name: 'ls',
    what: 'list all images',
    ask: async (stopwatch, store) => {
      const listed = JSON.parse(await stopwatch.run(cairn(store, 'ls'))) as unknown[];
      expect(listed.length === store.images, `${listed.length} images`);
    },
  },
  {
    name: 'du',
    what: 'what takes the space',
    ask: async (stopwatch, store) => {
      await stopwatch.run(cairn(store, 'du'));
    },
  },
  {
    name: 'gc --dry-run',
    what: 'what collecting a tenth would free',
    ask: (stopwatch, store) => collect(stopwatch, store, '--dry-run'),
  },
  {
    name: 'gc',
    what: 'collect a tenth',
    ask: collect,
    restore: putBack,
  },
];

export function storeSize(ground: Ground): Scenario[] {
  return QUESTIONS.map((question) => {
    const contestants = ground.sizes.indexAxis.map((images) => asked(ground, question, images));
    return {
      name: `store size: ${question.name}`,
      what: `${question.what}, over ${AXIS} of ${FILES_PER_IMAGE} files each`,
      measure: 'wall',
      axis: { over: AXIS, line: question.name },
      contestants: contestants as [Contestant, ...Contestant[]],
      skipped: [],
      close: async () => {
        if (question !== QUESTIONS.at(-1)) return;
        await remove(...ground.sizes.indexAxis.map((images) => sized(ground, images).dir));
      },
    };
  });
}

function sized({ dir, build, layout }: Ground, images: number): Sized {
  const archives = join(dir, 'versions', `${images}`);
  return { ...storeAt(join(dir, 'sized', `${images}`), build, layout), archives, images, key: '' };
}

function asked(ground: Ground, question: Question, images: number): Contestant {
  const store = sized(ground, images);
  return {
    name: `${images}`,
    x: images,
    prepare: async () => {
      if (!fs.existsSync(store.dir)) await fill(store);
      else if (store.key !== '') await question.restore?.(store);
      const [image] = JSON.parse(await run(cairn(store, 'ls', '--order', 'desc'))) as [{ key: string }];
      store.key = image.key;
    },
    run: async (stopwatch) => {
      await question.ask(stopwatch, store);
      return undefined;
    },
  };
}

/** Imports the older versions first, so that a name means the newer one. */
export async function fill(store: Sized, each?: ImageFiles): Promise<void> {
  fs.mkdirSync(dirname(store.dir), { recursive: true });
  await makeStore(store);
  if (!fs.existsSync(store.archives)) await packVersions(store.archives, store.images, each);
  for (const list of ['outdated', 'current']) await importListed(store, join(store.archives, list));
}

/** An image that is imported again becomes the newest of its name. The next gc then takes the other version. */
export function putBack(store: Sized): Promise<void> {
  return importListed(store, join(store.archives, 'twofold'));
}

async function importListed(store: Store, list: string): Promise<void> {
  await run(cairn(store, 'import', '--files-from', list));
}

/** Collects the tenth of the images that is not the newest of its name. */
export async function collect(stopwatch: Stopwatch, store: Sized, ...flags: string[]): Promise<void> {
  const command = cairn(store, 'gc', '--grace-period', '0', '--keep-last', '1', ...flags);
  const { removed } = JSON.parse(await stopwatch.run(command)) as { removed: { images: number } };
  expect(removed.images === outdatedOf(store.images), `${removed.images} images went`);
}
