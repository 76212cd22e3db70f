/**
 * Opens directories that their owner cannot enter, and says so. Otherwise a repair would take all files in them for
 * damaged.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { toCairnError } from '../core/errors.js';
import { formatMode } from '../core/metadata.js';
import type { StoreContext } from '../session/context.js';

const OWN = 0o700;

export function unlockShards({ layout, objects, notice }: Pick<StoreContext, 'layout' | 'objects' | 'notice'>): void {
  for (const root of [...objects.directories(), layout.blobs]) {
    for (const entry of fs.readdirSync(root, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const dir = join(root, entry.name);
      const { mode } = fs.lstatSync(dir);
      if ((mode & OWN) === OWN) continue;
      try {
        fs.chmodSync(dir, OWN);
      } catch (error) {
        throw toCairnError(error, 'a directory of the store cannot be opened');
      }
      notice(`${dir} could not be used by its owner (mode ${formatMode(mode & 0o7777)}); it is 0700 now`);
    }
  }
}
