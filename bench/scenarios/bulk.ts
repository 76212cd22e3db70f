/** Many images, imported by one command and not rendered. Peers unpack each archive by itself, and sync once. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { packTinyImages } from '../inputs/generated.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { installed } from '../machine/installed.js';
import { makeStore } from '../measure/cairn.js';
import type { Contestant, Peer, Scenario } from '../measure/contestant.js';
import { importOf } from '../measure/contestants.js';
import { remove, script } from '../measure/process.js';

export function bulk(ground: Ground): Scenario {
  const { packages } = ground.corpus;
  return many(ground, 'bulk', `${packages.length} packages`, async () => packages);
}

export function bulkTiny(ground: Ground): Scenario {
  const { tinyImages } = ground.sizes;
  return many(ground, 'bulk-tiny', `${tinyImages} images of one file`, () =>
    packTinyImages(join(ground.dir, 'tiny'), tinyImages),
  );
}

function many(ground: Ground, name: string, what: string, pack: () => Promise<readonly string[]>): Scenario {
  const { dir } = ground;
  let archives: readonly string[] = [];
  const store = storeIn(ground, 'new');
  const own: Contestant = {
    ...importOf(store, () => archives),
    prepare: async () => {
      archives = await pack();
      await makeStore(store);
    },
  };
  const { contestants, skipped } = installed(
    ['tar', 'bsdtar'].map((program) => unpackEach(program, () => archives, dir)),
  );
  return {
    name,
    what: `${what}, imported by one command`,
    measure: 'wall',
    contestants: [own, ...contestants],
    skipped,
  };
}

/**
 * Unpacks each archive into a directory of its own. The directories are made beforehand, so that only the peer's own
 * program is started for each archive.
 */
export function unpackEach(program: string, archives: () => readonly string[], dir: string): Peer {
  const target = join(dir, 'each');
  const loop = 'cd "$1"; shift; n=0; for archive; do PROGRAM -xzf "$archive" -C $((n++)); done';
  return {
    programs: ['bash', 'gzip', 'sync', program],
    contestant: {
      name: `${program} xzf each + sync`,
      prepare: async () => {
        for (let n = 0; n < archives().length; n++) fs.mkdirSync(join(target, `${n}`), { recursive: true });
      },
      run: async (stopwatch) => {
        await stopwatch.run(script(loop.replace('PROGRAM', program), target, ...archives()));
        await stopwatch.flush(target);
        return undefined;
      },
      clear: () => remove(target),
    },
  };
}
