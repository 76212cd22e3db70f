/** What people use instead of cairn to get a root file system: tar programs, and copies by hard links. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Contestant, Skipped } from './contestant.js';
import type { Corpus } from './corpus.js';
import { isInstalled, run } from './process.js';
import { applyWhiteouts, dropMarks, whiteoutsOf } from './whiteouts.js';

export interface Peers {
  contestants: Contestant[];
  skipped: Skipped[];
}

interface Peer {
  contestant: Contestant;
  needs: readonly string[];
}

const TAR_PROGRAMS = ['tar', 'bsdtar'];

/** Against a render of what is imported: unpacking the merged tree, and linking to a tree that is there. */
export function warmPeers({ flat }: Corpus, dir: string): Peers {
  return installed([...TAR_PROGRAMS.map((program) => flatTar(program, flat, dir)), linkCopy(flat, dir)]);
}

/** Against import and render: unpacking the compressed layers one over the other. */
export function coldPeers({ layers }: Corpus, dir: string): Peers {
  return installed(TAR_PROGRAMS.map((program) => stackedTar(program, layers, dir)));
}

/** Against import and render of an OCI image: what unpacks one, and its layers one over the other. */
export function ociPeers(corpus: Corpus, dir: string): Peers {
  return installed([umoci(corpus, dir), stackedTar('tar', corpus.layers, dir)]);
}

function installed(peers: readonly Peer[]): Peers {
  const all: Peers = { contestants: [], skipped: [] };
  for (const { contestant, needs } of peers) {
    const missing = needs.filter((program) => !isInstalled(program));
    if (missing.length === 0) all.contestants.push(contestant);
    else all.skipped.push({ name: contestant.name, why: `${missing.join(', ')} not installed` });
  }
  return all;
}

/** cairn's trees are on disk when it says so; a peer must sync to have done as much. */
const flush = (path: string) => ['sync', '-f', path] as const;

const remove = async (path: string): Promise<void> => {
  await run(['rm', '-rf', path]);
};

function flatTar(program: string, flat: string, dir: string): Peer {
  const tree = join(dir, `flat-${program}`);
  return {
    needs: [program, 'sync'],
    contestant: {
      name: `${program} xf + sync -f`,
      prepare: async () => fs.mkdirSync(tree),
      run: async (stopwatch) => {
        await stopwatch.run([program, 'xf', flat, '-C', tree]);
        await stopwatch.run(flush(tree));
        return tree;
      },
      clear: () => remove(tree),
    },
  };
}

/** Less of a job than a render, since somebody must have made the tree before; what it takes is what links cost. */
function linkCopy(flat: string, dir: string): Peer {
  const original = join(dir, 'original');
  const tree = join(dir, 'linked');
  return {
    needs: ['cp', 'tar', 'sync'],
    contestant: {
      name: 'cp -al + sync -f',
      prepare: async () => {
        if (fs.existsSync(original)) return;
        fs.mkdirSync(original);
        await run(['tar', 'xf', flat, '-C', original]);
      },
      run: async (stopwatch) => {
        await stopwatch.run(['cp', '-al', original, tree]);
        await stopwatch.run(flush(tree));
        return tree;
      },
      clear: () => remove(tree),
    },
  };
}

function umoci({ layout }: Corpus, dir: string): Peer {
  const bundle = join(dir, 'bundle');
  return {
    needs: ['umoci', 'sync'],
    contestant: {
      name: 'umoci unpack + sync -f',
      run: async (stopwatch) => {
        await stopwatch.run(['umoci', 'unpack', '--image', `${layout.dir}:${layout.tag}`, bundle]);
        await stopwatch.run(flush(bundle));
        return join(bundle, 'rootfs');
      },
      clear: () => remove(bundle),
    },
  };
}

/** What the layers delete is deleted between two processes and not timed, in favour of the peer. */
function stackedTar(program: string, layers: readonly string[], dir: string): Peer {
  const tree = join(dir, `stacked-${program}`);
  const whiteouts: string[][] = [];
  return {
    needs: [program, 'gzip', 'sync'],
    contestant: {
      name: `${program} xzf each layer + sync -f`,
      prepare: async () => {
        fs.mkdirSync(tree);
        if (whiteouts.length === 0) for (const layer of layers) whiteouts.push(await whiteoutsOf(layer));
      },
      run: async (stopwatch) => {
        for (const [i, layer] of layers.entries()) {
          applyWhiteouts(tree, whiteouts[i] as string[]);
          await stopwatch.run([program, 'xzf', layer, '-C', tree]);
          dropMarks(tree, whiteouts[i] as string[]);
        }
        await stopwatch.run(flush(tree));
        return tree;
      },
      clear: () => remove(tree),
    },
  };
}
