/** The limit of a fetch: the same bytes from the same registry, taken by programs that only take them. */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { BLOBS_AT_A_TIME } from '../../engine/fetch/blob-downloads.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { fetchNew } from '../measure/cairn.js';
import type { Contestant, Peer, Scenario } from '../measure/contestant.js';
import { inNewStore, withoutTree } from '../measure/contestants.js';
import { remove } from '../measure/process.js';
import { ImageRegistry, noRegistry } from '../peers/registry.js';
import { fetchAndRender, readyFor } from '../scenarios/fetch.js';

export function limitFetch(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const store = storeIn(ground, 'new');
  const registry = new ImageRegistry(corpus, join(dir, `${basename(store.dir)}-limit-registry`));
  const fetching: Contestant = {
    name: 'cairn fetch',
    ...inNewStore(store),
    prepare: readyFor(store, registry),
    run: async (stopwatch) => {
      await fetchNew(stopwatch, store, registry.ref);
      return undefined;
    },
  };
  const { contestants, skipped } = installed([
    download(registry, 1),
    download(registry, BLOBS_AT_A_TIME),
    download(registry, BLOBS_AT_A_TIME, join(dir, 'downloaded')),
    copying(registry, join(dir, 'copied')),
  ]);
  return {
    name: 'limit-fetch',
    what: "a fetch and render against the registry's own speed: its blobs as they are, thrown away or written to disk",
    measure: 'wall',
    contestants: [withoutTree(fetchAndRender(store, registry)), fetching, ...contestants],
    skipped,
    unfit: noRegistry(),
    close: registry.close,
  };
}

/** curl takes the blobs. @param into a directory for them; without one they are thrown away */
function download(registry: ImageRegistry, atATime: number, into?: string): Peer {
  const target = into === undefined ? 'to /dev/null' : 'to files + sync';
  return {
    programs: ['curl', ...(into === undefined ? [] : ['sync'])],
    contestant: {
      name: `curl ${target}, ${atATime} at a time`,
      prepare: async () => {
        await registry.open();
        if (into !== undefined) fs.mkdirSync(into);
      },
      run: async (stopwatch) => {
        const files = registry.blobs().flatMap((url, i) => ['--output', into ? join(into, `${i}`) : '/dev/null', url]);
        const parallel = ['--parallel', '--parallel-immediate', '--parallel-max', `${atATime}`];
        await stopwatch.run(['curl', '--silent', '--show-error', '--fail', '--noproxy', '*', ...parallel, ...files]);
        if (into !== undefined) await stopwatch.flush(into);
        return undefined;
      },
      clear: async () => {
        if (into !== undefined) await remove(into);
      },
    },
  };
}

/** skopeo takes them, checks their digests and unpacks nothing. */
function copying(registry: ImageRegistry, into: string): Peer {
  const copy = ['skopeo', '--insecure-policy', 'copy', '--quiet', '--src-tls-verify=false'] as const;
  return {
    programs: ['skopeo', 'sync'],
    contestant: {
      name: 'skopeo copy to a directory + sync',
      prepare: registry.open,
      run: async (stopwatch) => {
        await stopwatch.run([...copy, registry.ref, `dir:${into}`]);
        await stopwatch.flush(into);
        return undefined;
      },
      clear: () => remove(into),
    },
  };
}
