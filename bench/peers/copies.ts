/** A copy of a tree, by `cp`. That is less work than a render: the tree to copy must have been made before. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../measure/contestant.js';
import { remove, run } from '../measure/process.js';
import { GNU_TAR } from './unpackers.js';

/** `cp -al` makes hard links and shows what links cost; `cp -a` copies the content. */
export function copying(options: '-al' | '-a', flat: string, dir: string): Peer {
  const original = join(dir, 'original');
  const tree = join(dir, `copied${options}`);
  return {
    programs: ['cp', 'tar', 'sync'],
    contestant: {
      name: `cp ${options} + sync`,
      // The original was unpacked by tar.
      deviations: ['metadata of the root', ...GNU_TAR.deviations],
      prepare: () => unpackOriginal(flat, original),
      run: async (stopwatch) => {
        await stopwatch.run(['cp', options, original, tree]);
        await stopwatch.flush(tree);
        return tree;
      },
      clear: () => remove(tree),
    },
  };
}

/** The merged tree, unpacked by tar once. */
export async function unpackOriginal(flat: string, original: string): Promise<void> {
  if (fs.existsSync(original)) return;
  fs.mkdirSync(original);
  await run(GNU_TAR.command(flat, original));
}
