/** An image of a registry, fetched and rendered; skopeo copies it from there into the storage of podman and CRI-O. */
import { basename, join } from 'node:path';
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { mountFault } from '../machine/mount-fault.js';
import { fetchNew, mount, renderNew, type Store, unmountAll } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { remove } from '../measure/process.js';
import { ImageRegistry, noRegistry } from '../peers/registry.js';
import { skopeo } from '../peers/skopeo.js';

export function fetchCold(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const store = storeIn(ground, 'new');
  const registry = new ImageRegistry(corpus, join(dir, `${basename(store.dir)}-registry`));
  const source = { prepare: registry.open, arguments: () => ['--src-tls-verify=false', registry.ref] };
  const { contestants, skipped } = installed([skopeo(source, dir, 'overlay'), skopeo(source, dir, 'vfs')]);
  return {
    name: 'fetch',
    what: 'nothing is there but an image in a registry on this machine; what is kept of it is on disk in the end',
    measure: 'wall',
    contestants: [
      fetchAndRender(store, registry),
      fetchAndRender(store, registry, '--no-keep-archive'),
      renderPulled(store, registry),
      ...(mountFault(dir) === undefined ? [mountPulled(store, registry)] : []),
      ...contestants,
    ],
    skipped,
    unfit: noRegistry(),
    close: registry.close,
  };
}

/** By two commands, into a new store. @param flags of the fetch */
export function fetchAndRender(store: Store, registry: ImageRegistry, ...flags: string[]): Contestant {
  return {
    name: ['cairn fetch', ...flags, '+ render'].join(' '),
    prepare: registry.open,
    run: async (stopwatch) => {
      const { key } = await fetchNew(stopwatch, store, registry.ref, ...flags);
      return (await renderNew(stopwatch, store, key)).path;
    },
    clear: () => remove(store.dir),
  };
}

/** By one command, the tree mounted from an image. */
function mountPulled(store: Store, registry: ImageRegistry): Contestant {
  return {
    name: 'cairn mount of the reference',
    prepare: registry.open,
    run: async (stopwatch) => (await mount(stopwatch, store, registry.ref)).path,
    clear: async () => {
      await unmountAll(store);
      await remove(store.dir);
    },
  };
}

/** By one command. */
function renderPulled(store: Store, registry: ImageRegistry): Contestant {
  return {
    name: 'cairn render of the reference',
    prepare: registry.open,
    run: async (stopwatch) => (await renderNew(stopwatch, store, registry.ref)).path,
    clear: () => remove(store.dir),
  };
}
