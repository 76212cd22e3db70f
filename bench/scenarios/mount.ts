/** A mount of what is imported; peers unpack the merged tree as one tar. */
import { type Ground, stock, topOf } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { mountFault } from '../machine/mount-fault.js';
import { expect, mount, removeTrees, type Store, unmountAll } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { renderStored } from '../measure/contestants.js';
import { run } from '../measure/process.js';
import { unpacking } from '../peers/unpack.js';
import { BSDTAR, GNU_TAR } from '../peers/unpackers.js';

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
      mounting(stored, image, false),
      mounting(stored, image, true),
      renderStored(stored, image),
      ...contestants,
    ],
    skipped,
    unfit: mountFault(dir),
    close: async () => unmountAll(await stock(ground)),
  };
}

/** @param again the file that is mounted is there already, as after a reboot */
function mounting(stored: () => Promise<Store>, image: () => string, again: boolean): Contestant {
  let store: Store;
  return {
    name: again ? 'cairn mount, as after a reboot' : 'cairn mount',
    prepare: async () => {
      store = await stored();
      await unmountAll(store);
      await removeTrees(store);
      if (!again) return;
      await mount({ run }, store, image());
      await unmountAll(store);
    },
    run: async (stopwatch) => {
      const mounted = await mount(stopwatch, store, image());
      expect(mounted.existed === again, again ? 'the image was not there' : 'the image was there already');
      return mounted.path;
    },
    clear: () => unmountAll(store),
  };
}
