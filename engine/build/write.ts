/**
 * Makes an image of a build: a layer on top of its base, or all of the tree. The same documents and the same tree make
 * the same image, whoever makes it, when, and with how many workers.
 */

import { resolve } from 'node:path';
import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import { mustNotBeMounted } from '../disk/mounts.js';
import type { StoreContext } from '../session/context.js';
import { readBase } from './base.js';
import { differenceOf } from './difference.js';
import { readWorking } from './documents.js';
import { withBuildLock } from './lock.js';
import { placeOfBuild } from './place.js';
import { parseSourceDate } from './source-date.js';
import { readState } from './state.js';
import { writeAci } from './write-aci.js';
import { writeOci } from './write-oci.js';
import type { WriteOptions, Writing, Written } from './writing.js';

/** @throws CairnError `ERR_NOT_FOUND` for no build, and for a base that is gone; `ERR_BAD_BUILD`, `ERR_HELD`, … */
export async function writeBuild(
  store: StoreContext,
  importSource: Writing['importSource'],
  dir: string,
  given: WriteOptions,
): Promise<Written> {
  const begun = performance.now();
  const place = placeOfBuild(resolve(dir));
  if (given.file === undefined && given.name === undefined)
    throw new CairnError('ERR_USAGE', 'say where the image goes: FILE, or --name NAME for the store');
  const sourceDate = given.sourceDate ?? parseSourceDate(process.env['SOURCE_DATE_EPOCH']);
  const options = { ...given, ...defined({ sourceDate }) };
  return withBuildLock(place, () =>
    store.uses.during(options.signal, async () => {
      await store.pool.warm('compare-tree', options.thorough === true ? store.pool.size : 1);
      mustNotBeMounted(place.rootfs);
      const state = readState(place);
      const working = readWorking(place, state.format, store.limits);
      const base = readBase(place);
      const difference = await differenceOf(store, { root: place.rootfs, base, state }, options);
      const writing = { store, place, state, options, importSource };
      const written =
        (options.format ?? state.format) === 'aci'
          ? await writeAci(writing, working, difference)
          : await writeOci(writing, working, difference);
      for (const socket of difference.sockets) store.notice(`${socket} is a socket, which no image can have`);
      return { ...written, skipped: difference.sockets, ms: Math.round(performance.now() - begun) };
    }),
  );
}
