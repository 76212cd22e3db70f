/** An image of a registry, fetched and rendered; skopeo copies it from there into the storage of podman and CRI-O. */
import { basename, join } from 'node:path';
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { mountable } from '../machine/mount-fault.js';
import { fetchNew, makeStore, renderNew, type Store } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { inNewStore, mountSource } from '../measure/contestants.js';
import { ImageRegistry, noRegistry } from '../peers/registry.js';
import { skopeo } from '../peers/skopeo.js';

export function fetchCold(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const store = storeIn(ground, 'new');
  const registry = new ImageRegistry(corpus, join(dir, `${basename(store.dir)}-registry`));
  const source = { prepare: registry.open, arguments: () => ['--src-tls-verify=false', registry.ref] };
  const mounting = { ...mountSource(store, 'reference', () => registry.ref), prepare: readyFor(store, registry) };
  const { contestants, skipped } = installed([
    mountable(ground, mounting),
    skopeo(source, dir, 'overlay'),
    skopeo(source, dir, 'vfs'),
  ]);
  return {
    name: 'fetch',
    what: 'nothing is there but an image in a registry on this machine; what is kept of it is on disk in the end',
    measure: 'wall',
    contestants: [
      fetchAndRender(store, registry),
      fetchAndRender(store, registry, '--no-keep-archive'),
      renderPulled(store, registry),
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
    ...inNewStore(store),
    prepare: readyFor(store, registry),
    run: async (stopwatch) => {
      const { key } = await fetchNew(stopwatch, store, registry.ref, ...flags);
      return (await renderNew(stopwatch, store, key)).path;
    },
  };
}

/** By one command. */
function renderPulled(store: Store, registry: ImageRegistry): Contestant {
  return {
    name: 'cairn render of the reference',
    ...inNewStore(store),
    prepare: readyFor(store, registry),
    run: async (stopwatch) => (await renderNew(stopwatch, store, registry.ref)).path,
  };
}

/** A registry that has the image, and an empty store. */
export function readyFor(store: Store, registry: ImageRegistry): () => Promise<void> {
  return async () => {
    await registry.open();
    await makeStore(store);
  };
}
