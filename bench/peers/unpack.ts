/** Peers that unpack one archive, or layers one over the other, into a tree. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { applyWhiteouts, dropMarks, whiteoutsOf } from '../inputs/whiteouts.js';
import type { Peer } from '../measure/contestant.js';
import type { Deviation } from '../measure/deviations.js';
import { remove } from '../measure/process.js';
import type { Unpacker } from './unpackers.js';

/** An archive that has no entry for its root does not say what metadata the root has. */
const NOT_DECLARED: readonly Deviation[] = ['metadata of the root'];
/** A file of a later layer changes the time of its directory, and no program sets that back. */
const STACKED: readonly Deviation[] = ['times of directories'];

/**
 * The bench itself deletes what a layer deletes, between two processes. It does not time that, in favour of the peer.
 * @param archives lowest first; they must exist when a run begins, not before
 * @param root the directory inside the archive where the tree begins
 */
export function unpacking(unpacker: Unpacker, archives: readonly string[], dir: string, root = '.'): Peer {
  const tree = join(dir, `unpacked-${unpacker.name.replaceAll(/[^a-z]+/g, '-')}`);
  const whiteouts: string[][] = [];
  return {
    programs: ['sync', ...(unpacker.programs ?? [])],
    packages: unpacker.packages ?? [],
    contestant: {
      name: `${unpacker.name} + sync`,
      deviations: [...unpacker.deviations, ...NOT_DECLARED, ...(archives.length > 1 ? STACKED : [])],
      prepare: async () => {
        fs.mkdirSync(tree);
        // A single archive has no layer below it that it could delete from.
        if (whiteouts.length === 0 && archives.length > 1)
          for (const archive of archives) whiteouts.push(await whiteoutsOf(archive));
      },
      run: async (stopwatch) => {
        for (const [i, archive] of archives.entries()) {
          const deleted = whiteouts[i] ?? [];
          applyWhiteouts(tree, deleted);
          await stopwatch.run(unpacker.command(archive, tree));
          dropMarks(tree, deleted);
        }
        await stopwatch.flush(tree);
        return join(tree, root);
      },
      clear: () => remove(tree),
    },
  };
}
