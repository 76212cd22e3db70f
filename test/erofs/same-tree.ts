/** Random images as mounted trees and as trees of files, compared entry for entry. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Layout } from '../../engine/disk/layout.js';
import { openStore, type Store } from '../../engine/store.js';
import { aci, type EntrySpec } from '../fixtures/archive.js';
import { describeWhole } from '../fixtures/tree.js';
import { treeEntries } from '../fixtures/tree-arbitrary.js';

export interface Comparison {
  runs: number;
  /** Whether `fsck.erofs` looks at each image. */
  fsck: boolean;
  seed?: number;
  /** Changes the tree of files before it is compared: the negative control. */
  spoil?: (files: string) => void;
}

/** @param dir an empty directory on a file system that trees can be mounted from; it is a mount point's parent after */
export async function compareTrees(dir: string, { runs, fsck, seed, spoil }: Comparison): Promise<void> {
  await using store = await openStore({ dir: join(dir, 'store'), workers: 1 });
  const mount = join(dir, 'mounted');
  fs.mkdirSync(mount);
  let serial = 0;
  const property = fc.asyncProperty(treeEntries, async (entries) => {
    const name = `example.com/tree-${serial++}`;
    const image = await importTree(store, dir, name, entries);
    const files = join(dir, 'files');
    await store.checkout(image, files, { mode: 'copy', rootfsOnly: true });
    spoil?.(files);
    const { treeId, skipped } = await store.mount(image, { dir: mount });
    try {
      assert.deepEqual(describeWhole(mount), describeWhole(files), JSON.stringify(skipped));
      if (fsck) accepts(new Layout(store.dir).treeImage(treeId));
    } finally {
      await store.unmount(mount);
      fs.rmSync(files, { recursive: true });
    }
    await store.remove([image], { force: true });
  });
  await fc.assert(property, { numRuns: runs, includeErrorInReport: true, ...(seed === undefined ? {} : { seed }) });
}

async function importTree(store: Store, dir: string, name: string, entries: readonly EntrySpec[]): Promise<string> {
  const file = join(dir, 'image.aci');
  fs.writeFileSync(file, aci({ name }, entries));
  return (await store.import(file)).key;
}

/** @throws AssertionError if `fsck.erofs` finds anything wrong */
export function accepts(image: string): void {
  const { status, stdout, stderr } = spawnSync('fsck.erofs', ['--extract', image], { encoding: 'utf8' });
  assert.equal(status, 0, `${image}: ${stdout}${stderr}`);
}
