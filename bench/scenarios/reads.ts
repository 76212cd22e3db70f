/**
 * Reads of trees that are there: mounted, made of links, and unpacked by tar onto the same file system; with everything
 * in the kernel's caches, and with nothing.
 */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { type Ground, stock, storeIn, topOf } from '../inputs/ground.js';
import { packImage } from '../inputs/images.js';
import { cachesFault, dropCaches } from '../machine/caches.js';
import { installed } from '../machine/installed.js';
import { mountable } from '../machine/mount-fault.js';
import { expect, makeStore, mount, render, type Store, unmountAll } from '../measure/cairn.js';
import type { Contestant, Scenario } from '../measure/contestant.js';
import { type Command, run, script } from '../measure/process.js';
import { unpackOriginal } from '../peers/copies.js';
import { program } from '../peers/program.js';
import { writeList } from '../peers/read-list.js';
import { GNU_TAR } from '../peers/unpackers.js';

/** Trees of one image, in their places. */
interface Trees {
  mounted(): Promise<string>;
  linked(): Promise<string>;
  unpacked(): Promise<string>;
  close(): Promise<void>;
}

interface Reading {
  name: string;
  what: string;
  /** Prints the same for each tree. @param list the tree's files, for programs that should not look for them */
  command(root: string, list: string): Command;
  trees: 'corpus' | 'program';
}

const PARTS = 20_000;
const STARTS = 10;
const PROGRAM = basename(process.execPath);

const READINGS: readonly Reading[] = [
  {
    name: 'find',
    what: 'the metadata of every entry',
    command: (root) => script(`find "$1" -printf '%y %m %s %T@\\n' | wc -l`, root),
    trees: 'corpus',
  },
  {
    name: 'grep -r',
    what: 'all content, in search of what is not there',
    command: (root) => script('{ grep -rlF "no file has this: $2" "$1" || [ $? = 1 ]; } | wc -l', root, 'cairn'),
    trees: 'corpus',
  },
  {
    name: 'parts',
    what: `${PARTS} parts of 4 KiB of files here and there, each opened for that`,
    command: (root, list) => [process.execPath, program('read-parts'), root, list, `${PARTS}`],
    trees: 'corpus',
  },
  {
    name: 'mmap',
    what: 'all content, each file mapped into memory',
    command: (root, list) => [process.execPath, program('read-mapped'), root, list],
    trees: 'corpus',
  },
  {
    name: 'exec',
    what: `${STARTS} starts of a large program of the tree`,
    command: (root) => script(`for ((i = 0; i < ${STARTS}; i++)); do "$1" -p 1; done`, join(root, 'bin', PROGRAM)),
    trees: 'program',
  },
];

export function reads(ground: Ground): Scenario[] {
  const trees = { corpus: treesOfCorpus(ground), program: treesOfProgram(ground) };
  const scenarios = READINGS.flatMap((reading) =>
    [false, true].map((cold) => readingScenario(ground, reading, trees[reading.trees], cold)),
  );
  const close = async (): Promise<void> => {
    await trees.corpus.close();
    await trees.program.close();
  };
  return scenarios.map((each, i) => (i === scenarios.length - 1 ? { ...each, close } : each));
}

function readingScenario(ground: Ground, { name, what, command }: Reading, trees: Trees, cold: boolean): Scenario {
  const list = join(ground.dir, `read-${name.replaceAll(' ', '')}.list`);
  let printed: string | undefined;
  const read = (contestant: string, tree: () => Promise<string>): Contestant => {
    let root = '';
    return {
      name: contestant,
      prepare: async () => {
        root = await tree();
        if (!fs.existsSync(list)) writeList(list, root);
        if (cold) await dropCaches(ground.dir, [BARE]);
        else await run(command(root, list));
      },
      run: async (stopwatch) => {
        const said = await stopwatch.run(command(root, list));
        printed ??= said;
        expect(said === printed, `it read other things: ${said} and ${printed}`);
        return undefined;
      },
    };
  };
  const own = installed([mountable(ground, read('cairn mount', trees.mounted))]);
  const peers = installed([{ programs: ['tar', 'bash', 'find', 'grep'], contestant: read('tar', trees.unpacked) }]);
  return {
    name: `read: ${name}, ${cold ? 'cold' : 'warm'}`,
    what: `${what}: of a tree that is mounted, of links, and unpacked by tar`,
    measure: 'wall',
    contestants: [...own.contestants, read('cairn render', trees.linked), ...peers.contestants] as [
      Contestant,
      ...Contestant[],
    ],
    skipped: [...own.skipped, ...peers.skipped],
    unfit: cold ? cachesFault() : undefined,
  };
}

/** Has the program itself in memory again. */
const BARE: Command = [process.execPath, '-e', '0'];

function treesOfCorpus(ground: Ground): Trees {
  const original = join(ground.dir, 'original');
  return {
    ...treesIn(() => stock(ground), topOf(ground.corpus)),
    unpacked: async () => {
      await unpackOriginal(ground.corpus.flat, original);
      return original;
    },
  };
}

/** Of an image with the program that runs this, which is large, and takes its libraries from this machine. */
function treesOfProgram(ground: Ground): Trees {
  const archive = join(ground.dir, 'program.aci');
  const unpacked = join(ground.dir, 'program-unpacked');
  const pack = async (): Promise<void> => {
    if (fs.existsSync(archive)) return;
    const from = join(ground.dir, 'program-bin');
    fs.mkdirSync(from);
    fs.copyFileSync(process.execPath, join(from, PROGRAM));
    await packImage(archive, { name: 'bench.example/program', version: '1.0.0', directories: [{ from, to: 'bin' }] });
  };
  const stored = async (): Promise<Store> => {
    await pack();
    const store = storeIn(ground, 'program');
    await makeStore(store);
    return store;
  };
  return {
    ...treesIn(stored, archive),
    unpacked: async () => {
      await pack();
      if (!fs.existsSync(unpacked)) {
        fs.mkdirSync(unpacked);
        await run(GNU_TAR.command(archive, unpacked));
      }
      return join(unpacked, 'rootfs');
    },
  };
}

function treesIn(stored: () => Promise<Store>, image: string): Omit<Trees, 'unpacked'> {
  const paths = new Map<'mount' | 'link', string>();
  const tree = async (kind: 'mount' | 'link'): Promise<string> => {
    const known = paths.get(kind);
    if (known !== undefined) return known;
    const store = await stored();
    const { path } = kind === 'mount' ? await mount({ run }, store, image) : await render({ run }, store, image);
    paths.set(kind, path);
    return path;
  };
  return {
    mounted: () => tree('mount'),
    linked: () => tree('link'),
    close: async () => {
      if (paths.has('mount')) await unmountAll(await stored());
    },
  };
}
