/** Collects all that nothing holds, while trees are mounted by nothing but the kernel. They must read on. */
import { join } from 'node:path';
import { unmount } from '../../engine/disk/mount.js';
import { mountsBelow } from '../../engine/disk/mounts.js';
import type * as engine from '../../engine/store.js';
import { IMAGES, makeSources } from './ground.js';
import { hashTree } from './racer.js';

/**
 * @param at an empty directory on a disk that files can be mounted from
 * @param build the build that mounts and collects
 * @returns the images whose mounts do not read as their trees of files did
 */
export async function collectUnderMounts(at: string, build: string): Promise<string[]> {
  const { openStore } = (await import(join(build, 'engine', 'store.js'))) as typeof engine;
  makeSources(at);
  const before = process.env['CAIRN_RUN_DIR'];
  process.env['CAIRN_RUN_DIR'] = join(at, 'run');
  try {
    await using store = await openStore({ dir: join(at, 'store'), layout: 'packs', workers: 1 });
    const trees: { name: string; path: string; hash: string }[] = [];
    await store.importAll(IMAGES.map((name) => join(at, 'sources', name)));
    // A pack that nothing needs is deleted, and read on by who has it open. One that something needs is punched.
    await store.pin('example.com/third');
    for await (const { key, name } of store.images()) {
      const { path: files, treeId } = await store.render(key, { mode: 'link' });
      const hash = hashTree(files);
      await store.removeTrees(store.findTrees(treeId));
      // Nothing of it has been read through the mount, so nothing is in memory.
      trees.push({ name, hash, path: (await store.mount(key)).path });
    }
    // What the first one cannot delete, the second one finds.
    for (let times = 2; times > 0; times--) {
      await store.gc({ images: true, graceMs: 0 }).catch((error: { code?: string }) => {
        if (error.code !== 'ERR_HELD') throw error;
      });
    }
    return trees.filter(({ path, hash }) => !reads(path, hash)).map(({ name }) => name);
  } finally {
    for (const point of mountsBelow(at).reverse()) unmount(point);
    if (before === undefined) delete process.env['CAIRN_RUN_DIR'];
    else process.env['CAIRN_RUN_DIR'] = before;
  }
}

function reads(path: string, hash: string): boolean {
  try {
    return hashTree(path) === hash;
  } catch {
    return false; // a file behind the mount is gone
  }
}
