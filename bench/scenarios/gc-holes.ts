/**
 * The collecting of objects that lie each between two that stay: how long it takes, how long the holes alone take, and
 * what of the objects' bytes comes back.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { punch } from '../../engine/disk/file-ranges.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { HOLE_BYTES, packInterleaved } from '../inputs/interleaved.js';
import { cairn, expect, importAll, makeStore, type Store } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { BARE_NODE } from '../measure/contestants.js';
import { diskBytesOf } from '../measure/disk-bytes.js';
import { remove, run } from '../measure/process.js';

export function gcHoles(ground: Ground): Scenario {
  const { holes } = ground.sizes;
  return {
    name: 'gc-holes',
    what: `${holes} objects are collected, each of which lies between two that stay; and as many holes are punched into one file`,
    measure: 'wall',
    contestants: [
      collecting(ground, 'cairn gc', async (_store, collect) => {
        await collect();
        return undefined;
      }),
      ...(ground.layout === 'packs' ? [punching(ground)] : []),
      BARE_NODE,
    ],
    skipped: [],
    close: () => remove(fullStore(ground).dir),
  };
}

export function gcBytes(ground: Ground): Scenario {
  const { holes } = ground.sizes;
  return {
    name: 'gc-bytes',
    what: `bytes that the disk gets back when ${holes} objects are collected, each of which lies between two that stay`,
    measure: 'bytes',
    contestants: [
      collecting(ground, 'cairn gc gives back', async ({ dir }, collect) => {
        const before = diskBytesOf(dir);
        await collect();
        return before - diskBytesOf(dir);
      }),
      {
        name: 'what the objects held',
        run: async (stopwatch) => {
          stopwatch.needs(holes * HOLE_BYTES);
          return undefined;
        },
      },
    ],
    skipped: [],
    close: () => remove(fullStore(ground).dir),
  };
}

const fullStore = (ground: Ground): Store => storeIn(ground, 'holes-full');

/** @param around runs the gc @returns bytes, if those are asked for */
function collecting(
  ground: Ground,
  name: string,
  around: (store: Store, collect: () => Promise<void>) => Promise<number | undefined>,
): Contestant {
  const full = fullStore(ground);
  const store = storeIn(ground, 'holes');
  const { holes } = ground.sizes;
  return {
    name,
    prepare: async () => {
      if (!fs.existsSync(full.dir)) await fill(full, await packInterleaved(join(ground.dir, 'interleaved'), holes));
      await run(['cp', '-a', full.dir, store.dir]);
    },
    run: async (stopwatch) => {
      const bytes = await around(store, async () => {
        const { removed } = JSON.parse(await stopwatch.run(cairn(store, 'gc', '--images', '--grace-period', '0')));
        expect(removed.objects === holes, `${removed.objects} objects went`);
      });
      if (bytes !== undefined) stopwatch.needs(bytes);
      return undefined;
    },
    clear: () => remove(store.dir),
  };
}

async function fill(store: Store, [goes, stays]: [string, string]): Promise<void> {
  await makeStore(store);
  await importAll({ run }, store, [goes]);
  const [kept] = await importAll({ run }, store, [stays]);
  await run(cairn(store, 'pin', kept?.key as string));
}

/** As many holes as a gc makes there, in this process, and their sync. */
function punching({ dir, sizes: { holes } }: Ground): Contestant {
  const file = join(dir, 'punched');
  const apart = 2 * HOLE_BYTES;
  return {
    name: 'cairn: the holes alone',
    prepare: async () => {
      const fd = fs.openSync(file, 'w');
      const content = Buffer.alloc(apart, 1);
      for (let i = 0; i < holes; i++) fs.writeSync(fd, content);
      fs.closeSync(fd);
    },
    run: async (stopwatch) => {
      const fd = fs.openSync(file, 'r+');
      await stopwatch.task(async () => {
        for (let i = 0; i < holes; i++) punch(fd, { offset: i * apart, length: HOLE_BYTES }, file);
        fs.fdatasyncSync(fd);
      });
      fs.closeSync(fd);
      return undefined;
    },
    clear: () => remove(file),
  };
}
