/**
 * The owner of a store. One store belongs to one user. Its owner could neither write nor remove files that another user
 * (root, above all) leaves in it. And it holds programs with setuid bits, which nobody else may reach.
 */
import * as fs from 'node:fs';
import { CairnError, hasCode, toCairnError } from '../core/errors.js';
import { formatMode } from '../core/metadata.js';
import type { Layout } from '../disk/layout.js';

const OTHERS = 0o077;

/**
 * Makes sure, before anything is written, that every directory of the store is ours and nobody else may enter it.
 * @param foreign takes a store of another user as it is
 * @throws CairnError `ERR_FOREIGN_STORE`
 */
export function makeOurs(layout: Layout, foreign: boolean, notice: (message: string) => void): void {
  if (foreign) return;
  const uid = process.geteuid?.();
  for (const dir of [...layout.directories(), layout.packs]) {
    const stat = fs.lstatSync(dir, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (uid !== undefined && stat.uid !== uid) {
      const message = `${dir} belongs to user ${stat.uid}, not to ${uid}; --allow-foreign-store uses it all the same`;
      throw new CairnError('ERR_FOREIGN_STORE', message, { path: dir });
    }
    if ((stat.mode & OTHERS) === 0) continue;
    try {
      fs.chmodSync(dir, 0o700);
    } catch (error) {
      if (hasCode(error, 'EROFS')) return; // nothing will be written
      throw toCairnError(error);
    }
    notice(`${dir} could be entered by others (mode ${formatMode(stat.mode & 0o7777)}); it is 0700 now`);
  }
}
