/** One generated layer of small or of large files, imported and rendered; peers unpack the same archive. */
import { join } from 'node:path';
import { packLargeFiles, packSmallFiles } from '../inputs/generated.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import type { Scenario } from '../measure/contestant.js';
import { importAndRender, renderSource } from '../measure/contestants.js';
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
  let image = '';
  const store = storeIn(ground, 'new');
  const { contestants, skipped } = installed(
    [PIGZ_TAR, GZIP_TAR, GNU_TAR, BSDTAR, NODE_TAR, TAR_FS].map((unpacker) =>
      unpacking(unpacker, [archive], dir, 'rootfs'),
    ),
  );
  return {
    name,
    what,
    measure: 'wall',
    contestants: [
      {
        ...renderSource(store, archive),
        prepare: async () => {
          if (image === '') image = await pack(archive);
        },
      },
      importAndRender(
        store,
        () => [archive],
        () => image,
      ),
      ...contestants,
    ],
    skipped,
    close: () => remove(archive),
  };
}
