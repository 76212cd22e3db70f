/**
 * OSTree keeps files by content and makes trees of hard links to them, as cairn does. It keeps no times: a file has the
 * time of the checkout, or that of 1970.
 */
import { join } from 'node:path';
import type { Peer } from '../measure/contestant.js';
import type { Deviation } from '../measure/deviations.js';
import { type Command, type Runner, remove, run } from '../measure/process.js';

const DEVIATIONS: readonly Deviation[] = ['all times', 'metadata of the root', 'equal symlinks share an inode'];
const PROGRAMS = ['ostree', 'sync'];

/** A checkout of the merged tree, which is committed beforehand and not timed. */
export function ostreeCheckout(flat: string, dir: string): Peer {
  const repository = join(dir, 'ostree-flat');
  const tree = join(dir, 'ostree-tree');
  let committed = false;
  return {
    programs: PROGRAMS,
    contestant: {
      name: 'ostree checkout -H + sync',
      deviations: DEVIATIONS,
      prepare: async () => {
        if (committed) return;
        await run(ostree(repository, 'init', '--mode=bare'));
        await commit({ run }, repository, flat, 'flat');
        committed = true;
      },
      run: async (stopwatch) => {
        await stopwatch.run(ostree(repository, 'checkout', '-H', 'flat', tree));
        await stopwatch.flush(tree);
        return tree;
      },
      clear: () => remove(tree),
    },
  };
}

/** Layers committed into a new repository and checked out one over the other; all of it is timed. */
export function ostreeLayers(layers: readonly string[], dir: string): Peer {
  const repository = join(dir, 'ostree-layers');
  const tree = join(dir, 'ostree-tree');
  return {
    programs: PROGRAMS,
    contestant: {
      name: 'ostree commit + checkout -H + sync',
      deviations: DEVIATIONS,
      run: async (stopwatch) => {
        await stopwatch.run(ostree(repository, 'init', '--mode=bare'));
        for (const [i, layer] of layers.entries()) {
          await commit(stopwatch, repository, layer, `layer${i}`);
          await stopwatch.run(ostree(repository, 'checkout', '-H', '--union', '--whiteouts', `layer${i}`, tree));
        }
        await stopwatch.flush(tree);
        return tree;
      },
      clear: () => remove(repository, tree),
    },
  };
}

function ostree(repository: string, ...args: string[]): Command {
  return ['ostree', `--repo=${repository}`, ...args];
}

async function commit(runner: Runner, repository: string, archive: string, branch: string): Promise<void> {
  const tree = `--tree=tar=${archive}`;
  await runner.run(ostree(repository, 'commit', '--branch', branch, tree, '--tar-autocreate-parents'));
}
