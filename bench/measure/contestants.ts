/** Contestants of cairn's that several scenarios share. */
import { join } from 'node:path';
import { importNew, makeStore, mountNew, removeTrees, renderNew, type Store, unmountAll } from './cairn.js';
import type { Contestant } from './contestant.js';
import { remove } from './process.js';

/** For what brings content in: each run finds an empty store. */
export function inNewStore(store: Store): Required<Pick<Contestant, 'prepare' | 'clear'>> {
  return { prepare: () => makeStore(store), clear: () => remove(store.dir) };
}

/** An import into a new store. */
export function importOf(store: Store, sources: () => readonly string[]): Contestant {
  return {
    name: 'cairn import',
    treeless: true,
    ...inNewStore(store),
    run: async (stopwatch) => {
      await importNew(stopwatch, store, sources());
      return undefined;
    },
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
    ...inNewStore(store),
    run: async (stopwatch) => {
      const imported = await importNew(stopwatch, store, sources());
      return (await renderNew(stopwatch, store, image?.() ?? (imported.at(-1)?.key as string))).path;
    },
  };
}

/** An import and a render by one command. @param source an archive or a layout */
export function renderSource(store: Store, source: string): Contestant {
  return {
    name: 'cairn render of the archive',
    ...inNewStore(store),
    run: async (stopwatch) => (await renderNew(stopwatch, store, source)).path,
  };
}

/**
 * An import and a mount by one command.
 * @param source says what is mounted when a run begins: an archive, a layout, a reference
 */
export function mountSource(store: Store, what: string, source: () => string): Contestant {
  return {
    name: `cairn mount of the ${what}`,
    prepare: () => makeStore(store),
    run: async (stopwatch) => (await mountNew(stopwatch, store, source())).path,
    clear: async () => {
      await unmountAll(store);
      await remove(store.dir);
    },
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
      if (first) await removePlans(store);
    },
    run: async (stopwatch) => (await renderNew(stopwatch, store, image())).path,
  };
}

/** The plans that earlier renders and mounts kept. */
export async function removePlans(store: Store): Promise<void> {
  await remove(join(store.dir, 'plans'));
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
  treeless: true,
  run: async (stopwatch) => {
    await stopwatch.run([process.execPath, '-e', '0']);
    return undefined;
  },
};
