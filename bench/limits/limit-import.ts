/**
 * The limit of an import: each of its stages alone. An import makes every file, inflates every byte, and hashes every
 * byte twice, for the layer and for the object. A render links every file once more.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { packLargeFiles, packSmallFiles } from '../inputs/generated.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { makeStore } from '../measure/cairn.js';
import type { Contestant, Peer, Scenario } from '../measure/contestant.js';
import { importOf, renderSource, withoutTree } from '../measure/contestants.js';
import { remove, run } from '../measure/process.js';
import { unpacking } from '../peers/unpack.js';
import { GNU_TAR, PIGZ_TAR } from '../peers/unpackers.js';
import { unpackEach } from '../scenarios/bulk.js';
import { type FloorKind, floor, THREADS } from './floor.js';
import { stage } from './stage.js';

interface Import {
  name: string;
  what: string;
  archives: readonly string[];
  own: Contestant;
  kinds: readonly FloorKind[];
  tars: readonly Peer[];
}

/** The chain of images. */
export function limitImport(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const { images } = corpus;
  const tars = [unpacking(GNU_TAR, corpus.layers, dir)];
  return limitOf(dir, {
    name: 'limit-import',
    what: 'an import',
    archives: images,
    own: importOf(storeIn(ground, 'new'), () => images),
    kinds: ['create'],
    tars,
  });
}

/** One layer of small files, rendered as well. */
export function limitSmall(ground: Ground): Scenario {
  const { smallFiles } = ground.sizes;
  return limitOneLayer(ground, 'limit-small', `${smallFiles} small files`, (file) => packSmallFiles(file, smallFiles));
}

/** One layer of large files, rendered as well. */
export function limitLarge(ground: Ground): Scenario {
  const { largeBytes } = ground.sizes;
  return limitOneLayer(ground, 'limit-large', `${largeBytes / 1e6} MB in five files`, (file) =>
    packLargeFiles(file, largeBytes),
  );
}

type Packing = (file: string) => Promise<string>;

function limitOneLayer(ground: Ground, name: string, files: string, pack: Packing): Scenario {
  const { dir } = ground;
  const archive = join(dir, `${name}.aci`);
  const store = storeIn(ground, 'new');
  const own: Contestant = {
    ...withoutTree(renderSource(store, archive)),
    prepare: async () => {
      if (!fs.existsSync(archive)) await pack(archive);
      await makeStore(store);
    },
  };
  return limitOf(dir, {
    name,
    what: `an import and render of ${files}`,
    archives: [archive],
    own,
    kinds: ['create', 'link'],
    tars: [GNU_TAR, PIGZ_TAR].map((unpacker) => unpacking(unpacker, [archive], dir, 'rootfs')),
  });
}

/** Many images at once. */
export function limitBulk(ground: Ground): Scenario {
  const { corpus, dir } = ground;
  const { packages } = corpus;
  const tars = [unpackEach('tar', () => packages, dir)];
  const what = `an import of ${packages.length} packages`;
  return limitOf(dir, {
    name: 'limit-bulk',
    what,
    archives: packages,
    own: importOf(storeIn(ground, 'new'), () => packages),
    kinds: ['create'],
    tars,
  });
}

function limitOf(dir: string, { name, what, archives, own, kinds, tars }: Import): Scenario {
  const inflated = join(dir, `${name}-inflated`);
  const tree = join(dir, `${name}-tree`);
  const inflatedTars = archives.map((_archive, i) => join(inflated, `${i}.tar`));
  const inflateAll = async (): Promise<void> => {
    if (fs.existsSync(inflated)) return;
    fs.mkdirSync(inflated);
    for (const [i, archive] of archives.entries())
      await pipeline(fs.createReadStream(archive), createGunzip(), fs.createWriteStream(inflatedTars[i] as string));
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
    ...THREADS.map((threads) => ({ contestant: stage('sha512-twice', threads, () => inflatedTars, inflateAll) })),
    ...tars,
  ]);
  return {
    name,
    what: `${what} against each of its stages alone; every byte is hashed twice, for its layer and for its object`,
    measure: 'wall',
    contestants: [own, ...contestants],
    skipped,
    close: async () => {
      for (const made of [inflated, tree]) await remove(made);
    },
  };
}
