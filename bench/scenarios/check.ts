/** A check of a whole store with a tree, against hashing the store's objects by the system's own program. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { shardedFiles, shardedPath } from '../../engine/disk/shards.js';
import { type Ground, stock, storeIn, topOf } from '../inputs/ground.js';
import { cachesFault, dropCaches } from '../machine/caches.js';
import { installed } from '../machine/installed.js';
import { mountFault } from '../machine/mount-fault.js';
import { cairn, expect, makeStore, removeTrees, type Store, unmountAll } from '../measure/cairn.js';
import type { Contestant, Peer, Scenario } from '../measure/contestant.js';
import { type Command, run, script } from '../measure/process.js';

/** Files that are hashed side by side. */
export const AT_ONCE = 2;
/** What the peer runs. */
const PEERS = ['bash', 'find', 'xargs', 'sha512sum'];

export function check(ground: Ground): Scenario {
  return checkBy(ground, 'check', async () => {});
}

/** With everything yet to be read from the disk. */
export function checkCold(ground: Ground): Scenario {
  const small = storeIn(ground, 'small');
  const programs: Command[] = [cairn(small, 'check'), ...PEERS.map((program): Command => [program, '--version'])];
  const drop = async (): Promise<void> => {
    await makeStore(small);
    await run(cairn(small, 'init'));
    await dropCaches(ground.dir, programs);
  };
  return { ...checkBy(ground, 'check-cold', drop), unfit: cachesFault() };
}

function checkBy(ground: Ground, name: string, before: () => Promise<void>): Scenario {
  let bytes = 0;
  const own = checking(ground, (checked) => {
    bytes = checked;
  });
  const { contestants, skipped } = installed([hashingObjects(ground)]);
  const after = ({ prepare, ...contestant }: Contestant): Contestant => ({
    ...contestant,
    prepare: async () => {
      await prepare?.();
      await before();
    },
  });
  return {
    name,
    what: 'a whole store with a tree: layers, objects, metadata; the peer hashes the objects and knows no expected value',
    measure: 'wall',
    bytes: () => bytes,
    contestants: [after(own), ...contestants.map(after)],
    skipped,
  };
}

/** @param tell is given the bytes that were checked */
export function checking(ground: Ground, tell?: (bytes: number) => void): Contestant {
  let ready: CheckedStore | undefined;
  return {
    name: 'cairn check',
    prepare: async () => {
      ready ??= await storeWithTree(ground);
    },
    run: async (stopwatch) => {
      const { store, trees } = ready as CheckedStore;
      const { checked, ok } = JSON.parse(await stopwatch.run(cairn(store, 'check')));
      expect(ok && checked.trees === trees, `the store is damaged, or has ${checked.trees} trees`);
      tell?.(checked.bytes);
      return undefined;
    },
  };
}

interface CheckedStore {
  store: Store;
  trees: number;
}

/** The tree is of the kind that suits the layout: links to files, or a mount of packs, which some machines cannot. */
async function storeWithTree(ground: Ground): Promise<CheckedStore> {
  const store = await stock(ground);
  await unmountAll(store);
  await removeTrees(store);
  const isMounted = ground.layout === 'packs';
  if (isMounted && mountFault(ground) !== undefined) return { store, trees: 0 };
  await run(cairn(store, 'render', '--mode', isMounted ? 'mount' : 'link', topOf(ground.corpus)));
  await unmountAll(store);
  return { store, trees: 1 };
}

/** The peer needs files, whatever the layout: one for each content, as those of a loose store have metadata as well. */
export function hashingObjects(ground: Ground): Peer {
  const files = join(ground.dir, 'objects-as-files');
  const command = `find "$1" -type f -print0 | xargs -0 -n 256 -P ${AT_ONCE} sha512sum >/dev/null`;
  return {
    programs: PEERS,
    contestant: {
      name: `xargs -P${AT_ONCE} sha512sum`,
      prepare: async () => {
        if (!fs.existsSync(files)) linkContents((await stock({ ...ground, layout: 'loose' })).dir, files);
      },
      run: async (stopwatch) => {
        await stopwatch.run(script(command, files));
        return undefined;
      },
    },
  };
}

const KEY_DIGITS = 128;

/** Hard links to the files of a store's objects, the first of each content. */
function linkContents(store: string, files: string): void {
  const seen = new Set<string>();
  for (const { name, path } of shardedFiles(join(store, 'objects'))) {
    const key = name.slice(0, KEY_DIGITS);
    if (seen.has(key)) continue;
    seen.add(key);
    const place = shardedPath(files, key);
    fs.mkdirSync(dirname(place), { recursive: true });
    fs.linkSync(path, place);
  }
}
