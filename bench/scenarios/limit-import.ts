/**
 * Where the limit of an import is: what each of its stages takes when nothing else is done. Every file is made, every byte inflated, and
 * hashed twice, for its layer and for its object; where the image is rendered, too, every file is linked once more.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Contestant, Peer, Scenario } from '../contestant.js';
import { importOf, renderSource } from '../contestants.js';
import { type FloorKind, floor, THREADS } from '../floor.js';
import { packSmallFiles } from '../generated.js';
import type { Ground } from '../ground.js';
import { installed } from '../installed.js';
import { unpacking } from '../peers/unpack.js';
import { GNU_TAR } from '../peers/unpackers.js';
import { remove, run } from '../process.js';
import { stage } from '../stage.js';
import { unpackEach } from './bulk.js';

interface Import {
  name: string;
  what: string;
  archives: readonly string[];
  own: Contestant;
  kinds: readonly FloorKind[];
  tar: Peer;
}

/** The chain of images. */
export function limitImport({ corpus, dir }: Ground): Scenario {
  const { images } = corpus;
  const tar = unpacking(GNU_TAR, corpus.layers, dir);
  return limitOf(dir, {
    name: 'limit-import',
    what: 'an import',
    archives: images,
    own: importOf(join(dir, 'new'), () => images),
    kinds: ['create'],
    tar,
  });
}

/** One layer of small files, rendered as well. */
export function limitSmall({ sizes, dir }: Ground): Scenario {
  const archive = join(dir, 'limit-small.aci');
  const own: Contestant = {
    ...renderSource(join(dir, 'new'), archive),
    prepare: async () => {
      if (!fs.existsSync(archive)) await packSmallFiles(archive, sizes.smallFiles);
    },
  };
  const tar = unpacking(GNU_TAR, [archive], dir, 'rootfs');
  const what = `an import and render of ${sizes.smallFiles} small files`;
  return limitOf(dir, { name: 'limit-small', what, archives: [archive], own, kinds: ['create', 'link'], tar });
}

/** Many images at once. */
export function limitBulk({ corpus, dir }: Ground): Scenario {
  const { packages } = corpus;
  const tar = unpackEach('tar', () => packages, dir);
  const what = `an import of ${packages.length} packages`;
  return limitOf(dir, {
    name: 'limit-bulk',
    what,
    archives: packages,
    own: importOf(join(dir, 'new'), () => packages),
    kinds: ['create'],
    tar,
  });
}

function limitOf(dir: string, { name, what, archives, own, kinds, tar }: Import): Scenario {
  const tars = join(dir, `${name}-tars`);
  const tree = join(dir, `${name}-tree`);
  const unpackedTars = archives.map((_archive, i) => join(tars, `${i}.tar`));
  const inflateAll = async (): Promise<void> => {
    if (fs.existsSync(tars)) return;
    fs.mkdirSync(tars);
    for (const [i, archive] of archives.entries())
      await pipeline(fs.createReadStream(archive), createGunzip(), fs.createWriteStream(unpackedTars[i] as string));
  };
  const source = {
    name,
    tree: async () => {
      for (const [i, archive] of archives.entries()) {
        const target = join(tree, `${i}`);
        if (fs.existsSync(target)) continue;
        fs.mkdirSync(target, { recursive: true });
        await run(['tar', '--numeric-owner', '-xf', archive, '-C', target]);
      }
      return tree;
    },
  };
  const { contestants, skipped } = installed([
    ...kinds.flatMap((kind) => THREADS.map((threads) => floor(kind, threads, source, dir))),
    ...THREADS.map((threads) => ({ contestant: stage('inflate', threads, () => archives) })),
    ...THREADS.map((threads) => ({ contestant: stage('sha512-twice', threads, () => unpackedTars, inflateAll) })),
    tar,
  ]);
  return {
    name,
    what: `${what} against each of its stages alone; every byte is hashed twice, for its layer and for its object`,
    measure: 'wall',
    contestants: [own, ...contestants],
    skipped,
    close: async () => {
      for (const made of [tars, tree]) await remove(made);
    },
  };
}
