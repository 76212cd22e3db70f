/** Copying a tree that is there: less of a job than a render, since somebody must have made it before. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../measure/contestant.js';
import { remove, run } from '../measure/process.js';
import { GNU_TAR } from './unpackers.js';

/** `cp -al` makes hard links, so what it takes is what links cost; `cp -a` copies content. */
export function copying(options: '-al' | '-a', flat: string, dir: string): Peer {
  const original = join(dir, 'original');
  const tree = join(dir, `copied${options}`);
  return {
    programs: ['cp', 'tar', 'sync'],
    contestant: {
      name: `cp ${options} + sync`,
      // As tar left them in the original.
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

async function unpackOriginal(flat: string, original: string): Promise<void> {
  if (fs.existsSync(original)) return;
  fs.mkdirSync(original);
  await run(GNU_TAR.command(flat, original));
}
