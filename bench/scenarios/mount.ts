/** Mounts of what is imported, by the command and in a process that runs already; peers unpack the tree as one tar. */
import { join } from 'node:path';
import { type Store as OpenStore, openStore } from '../../engine/api.js';
import { packChain } from '../inputs/generated.js';
import { type Ground, stock, storeIn, topOf } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { mountFault } from '../machine/mount-fault.js';
import { expect, importAll, makeStore, mount, removeTrees, type Store, unmountAll } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { BARE_NODE, removePlans, renderStored } from '../measure/contestants.js';
import { run } from '../measure/process.js';
import { unpacking } from '../peers/unpack.js';
import { BSDTAR, GNU_TAR } from '../peers/unpackers.js';

/** What of a tree is left from an earlier mount. */
type Left = 'no plan kept' | 'as after a reboot' | undefined;

export function mountStored(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const stored = (): Promise<Store> => stock(ground);
  const image = (): string => topOf(corpus);
  const { contestants, skipped } = installed(
    [GNU_TAR, BSDTAR].map((unpacker) => unpacking(unpacker, [corpus.flat], dir)),
  );
  return {
    name: 'mount',
    what: 'everything is imported, the tree is absent, or was mounted before; peers unpack the merged tree as one tar',
    measure: 'wall',
    contestants: [
      mounting(stored, image, undefined),
      mounting(stored, image, 'no plan kept'),
      mounting(stored, image, 'as after a reboot'),
      renderStored(stored, image),
      ...contestants,
      BARE_NODE,
    ],
    skipped,
    unfit: mountFault(ground),
    close: async () => {
      const store = await stock(ground);
      await unmountAll(store);
      await removeTrees(store);
    },
  };
}

/** @param left `as after a reboot`: the file that is mounted is there already */
function mounting(stored: () => Promise<Store>, image: () => string, left: Left): Contestant {
  const isThere = left === 'as after a reboot';
  let store: Store;
  return {
    name: ['cairn mount', left ?? []].flat().join(', '),
    prepare: async () => {
      store = await stored();
      await unmountAll(store);
      await removeTrees(store);
      if (left === 'no plan kept') await removePlans(store);
      if (!isThere) return;
      await mount({ run }, store, image());
      await unmountAll(store);
    },
    run: async (stopwatch) => {
      const mounted = await mount(stopwatch, store, image());
      expect(mounted.existed === isThere, isThere ? 'the image was not there' : 'the image was there already');
      return mounted.path;
    },
    clear: () => unmountAll(store),
  };
}

/** By the library, called in a process that runs already, of a tree of generated paths. */
export function mountLibrary(ground: Ground): Scenario {
  const { mountedPaths } = ground.sizes;
  const store = storeIn(ground, 'mounted');
  let image = '';
  let other = '';
  let opened: OpenStore | undefined;
  const open = async (): Promise<OpenStore> => {
    if (opened !== undefined) return opened;
    await makeStore(store);
    const chain = await packChain(join(ground.dir, 'paths'), mountedPaths);
    const imported = await importAll({ run }, store, chain);
    [other, image] = [imported[0]?.key as string, imported.at(-1)?.key as string];
    opened = await openStore({ dir: store.dir });
    return opened;
  };
  const contestant = (left: Left): Contestant => ({
    name: ['store.mount()', left ?? []].flat().join(', '),
    prepare: async () => {
      const ready = await open();
      for await (const tree of ready.trees()) await ready.removeTrees([tree]);
      if (left === 'no plan kept') await lookInto(ready, other);
      else await lookInto(ready, image);
    },
    run: async (stopwatch) => {
      const ready = await open();
      const mounted = await stopwatch.task(() => ready.mount(image));
      expect(!mounted.existed, 'the tree was there already');
      return mounted.path;
    },
    clear: async () => {
      await opened?.unmount(image);
    },
  });
  return {
    name: 'mount-library',
    what: `a tree of ${mountedPaths} paths, mounted in a process that runs already; its plan is there, or is not`,
    measure: 'wall',
    contestants: [contestant(undefined), contestant('no plan kept')],
    skipped: [],
    unfit: mountFault(ground),
    close: async () => {
      await opened?.close();
    },
  };
}

/** Whoever looks into an image has its plan made, and the plan of the last one is kept for a while. */
async function lookInto(store: OpenStore, image: string): Promise<void> {
  await store.stat(image, '/');
}
