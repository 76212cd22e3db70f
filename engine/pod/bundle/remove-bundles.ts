/** Takes bundles apart: unmounts their overlays and deletes what was made for them. */
import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { deletePaths, discard } from '../../content/delete.js';
import { CairnError, isCairnError } from '../../core/errors.js';
import { bundleMark } from '../../disk/layout.js';
import { unmount } from '../../disk/mount.js';
import { mountsBelow } from '../../disk/mounts.js';
import { userElsewhere } from '../../disk/mounts-elsewhere.js';
import type { StoreContext } from '../../session/context.js';

/**
 * Removes what `bundlePod` or `bundleImage` made, with all that the apps wrote there.
 * @throws CairnError `ERR_NOT_FOUND`; `ERR_USAGE` for a directory that was made for something else; `ERR_HELD` while a
 *   process works in it
 */
export async function removeBundles(store: StoreContext, dir: string): Promise<void> {
  const path = resolve(dir);
  if (!fs.existsSync(path)) throw new CairnError('ERR_NOT_FOUND', `no such directory: ${path}`, { path });
  if (!fs.existsSync(bundleMark(path))) throw new CairnError('ERR_USAGE', `${path} holds no bundles`, { path });
  const pid = userElsewhere(path);
  if (pid !== undefined) throw new CairnError('ERR_HELD', `${path} is in use: process ${pid} runs in it`, { path });
  for (const point of mountsBelow(path).reverse()) unmount(point);
  await deletePaths(store.pool, [path]);
}

/** As {@link removeBundles}, for bundles that could not be made. What cannot be taken away is told of. */
export async function takeApart(store: StoreContext, dir: string): Promise<void> {
  for (const point of mountsBelow(dir).reverse()) {
    try {
      unmount(point);
    } catch (error) {
      if (!isCairnError(error)) throw error;
      store.notice(`left behind: ${error.message}`);
      return;
    }
  }
  await discard(store, [dir]);
}
