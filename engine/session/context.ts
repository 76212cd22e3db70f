/** The parts of an open store that every operation works with. */

import { CairnError } from '../core/errors.js';
import type { ArgumentType } from '../core/finding.js';
import type { Limits } from '../core/limits.js';
import type { Disk } from '../disk/durable.js';
import type { Layout } from '../disk/layout.js';
import { ffiFault } from '../disk/native.js';
import type { Staging } from '../disk/staging.js';
import type { Index } from '../index/open.js';
import type { ObjectHome } from '../objects/home.js';
import type { Lanes } from './lanes.js';
import type { Pool } from './pool.js';
import type { UseLock } from './use-lock.js';

export interface StoreContext {
  readonly layout: Layout;
  readonly index: Index;
  readonly objects: ObjectHome;
  readonly pool: Pool;
  readonly disk: Disk;
  readonly staging: Staging;
  readonly limits: Limits;
  readonly readOnly: boolean;
  /** Whether what is made for a moment lies in the store's staging. A store that may not be written has no room. */
  readonly isStaged: boolean;
  /** Version of the files on disk when the store was opened. */
  readonly format: number;
  /** Tells the user of the program what could not be done as asked, and why. */
  readonly notice: (message: string) => void;
  readonly uses: UseLock;
  /** Where new objects go in a store that has packs; absent in others. */
  readonly lanes?: Lanes | undefined;
  /** What arguments for images are said to be. */
  readonly argumentType?: ArgumentType | undefined;
  /** Where images come from that are missing here. */
  readonly remote?: string | undefined;
}

/** Tells of what could not be taken away, and is left to the next gc. */
export function sayLeftBehind({ notice }: Pick<StoreContext, 'notice'>, error: unknown, what = ''): void {
  notice(`left behind: ${what}${(error as Error).message}`);
}

const told = new WeakSet<StoreContext>();

/**
 * Called before anything is written. Gives notice, once for each store, if helper programs stand in for the system
 * calls that Node lacks.
 * @throws CairnError `ERR_READ_ONLY`
 */
export function mustWrite(store: StoreContext): void {
  if (store.readOnly) {
    throw new CairnError('ERR_READ_ONLY', `the store ${store.layout.dir} is open for reading only`, {
      path: store.layout.dir,
    });
  }
  store.disk.open();
  const fault = ffiFault();
  if (fault !== undefined && !told.has(store)) {
    told.add(store);
    store.notice(
      `no direct system calls (${fault}): using sync(1), flock(1) and mknod(1); extended attributes are not set`,
    );
  }
}
