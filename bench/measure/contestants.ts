/** Contestants of cairn's that several scenarios share. */
import { join } from 'node:path';
import { importNew, removeTrees, renderNew, type Store } from './cairn.js';
import type { Contestant } from './contestant.js';
import { remove } from './process.js';

/** An import into a new store. */
export function importOf(store: Store, sources: () => readonly string[]): Contestant {
  return {
    name: 'cairn import',
    run: async (stopwatch) => {
      await importNew(stopwatch, store, sources());
      return undefined;
    },
    clear: () => remove(store.dir),
  };
}

/** An import into a new store, and a render, by two commands. */
export function importAndRender(
  store: Store,
  sources: () => readonly string[],
  /** The name of the image to render; without one, the last source is rendered. */
  image: (() => string) | undefined,
): Contestant {
  return {
    name: 'cairn import + render',
    run: async (stopwatch) => {
      const imported = await importNew(stopwatch, store, sources());
      return (await renderNew(stopwatch, store, image?.() ?? (imported.at(-1)?.key as string))).path;
    },
    clear: () => remove(store.dir),
  };
}

/** An import and a render by one command. @param source an archive or a layout */
export function renderSource(store: Store, source: string): Contestant {
  return {
    name: 'cairn render of the archive',
    run: async (stopwatch) => (await renderNew(stopwatch, store, source)).path,
    clear: () => remove(store.dir),
  };
}

/** A render of an imported image. @param first takes away the plan that an earlier render kept */
export function renderStored(stored: () => Promise<Store>, image: () => string, first = false): Contestant {
  let store: Store;
  return {
    name: first ? 'cairn render, no plan kept' : 'cairn render',
    prepare: async () => {
      store = await stored();
      await removeTrees(store);
      if (first) await remove(join(store.dir, 'plans'));
    },
    run: async (stopwatch) => (await renderNew(stopwatch, store, image())).path,
  };
}

/** For scenarios whose other contestants make no tree: no trees are compared. */
export function withoutTree(contestant: Contestant): Contestant {
  return {
    ...contestant,
    run: async (stopwatch) => {
      await contestant.run(stopwatch);
      return undefined;
    },
  };
}

/** The start of Node, which no program on it can beat. */
export const BARE_NODE: Contestant = {
  name: 'node -e 0',
  run: async (stopwatch) => {
    await stopwatch.run([process.execPath, '-e', '0']);
    return undefined;
  },
};
