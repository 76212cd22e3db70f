/** One generated layer of small or of large files, imported, and mounted or rendered; peers unpack the same archive. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { packLargeFiles, packSmallFiles } from '../inputs/generated.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { mountable } from '../machine/mount-fault.js';
import { makeStore } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { importAndRender, importOf, mountSource, renderSource } from '../measure/contestants.js';
import { remove } from '../measure/process.js';
import { unpacking } from '../peers/unpack.js';
import { BSDTAR, GNU_TAR, GZIP_TAR, NODE_TAR, PIGZ_TAR, TAR_FS } from '../peers/unpackers.js';

export function small(ground: Ground): Scenario {
  const { smallFiles } = ground.sizes;
  return oneLayer(ground, 'small', `one gzipped layer of ${smallFiles} files of up to 4 KiB`, (file) =>
    packSmallFiles(file, smallFiles),
  );
}

export function large(ground: Ground): Scenario {
  const { largeBytes } = ground.sizes;
  return oneLayer(ground, 'large', `one gzipped layer of ${largeBytes / 1e6} MB in five files`, (file) =>
    packLargeFiles(file, largeBytes),
  );
}

function oneLayer(ground: Ground, name: string, what: string, pack: (file: string) => Promise<string>): Scenario {
  const { dir } = ground;
  const archive = join(dir, `${name}.aci`);
  const store = storeIn(ground, 'new');
  const sources = () => [archive];
  const mounting = installed([
    mountable(
      ground,
      mountSource(store, 'archive', () => archive),
    ),
  ]);
  const own = [
    ...mounting.contestants,
    renderSource(store, archive),
    importAndRender(store, sources, undefined),
    importOf(store, sources),
  ].map((each) => ({
    ...each,
    prepare: async () => {
      if (!fs.existsSync(archive)) await pack(archive);
      await makeStore(store);
    },
  }));
  const { contestants, skipped } = installed(
    [PIGZ_TAR, GZIP_TAR, GNU_TAR, BSDTAR, NODE_TAR, TAR_FS].map((unpacker) =>
      unpacking(unpacker, [archive], dir, 'rootfs'),
    ),
  );
  return {
    name,
    what,
    measure: 'wall',
    contestants: [...own, ...contestants] as [Contestant, ...Contestant[]],
    skipped: [...mounting.skipped, ...skipped],
    close: () => remove(archive),
  };
}
