/** The most memory that an import has had at once. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packLargeFiles, packSmallFiles } from '../inputs/generated.js';
import { type Ground, storeIn } from '../inputs/ground.js';
import { cairn, expect } from '../measure/cairn.js';
import type { Scenario } from '../measure/contestant.js';
import { inNewStore } from '../measure/contestants.js';
import { remove } from '../measure/process.js';

const PROGRAM = fileURLToPath(new URL('../measure/programs/peak-memory.js', import.meta.url));

export function memoryOfLarge(ground: Ground): Scenario {
  const { largeBytes } = ground.sizes;
  return memory(ground, 'memory-large', `a layer of ${largeBytes / 1e6} MB in five files`, (file) =>
    packLargeFiles(file, largeBytes),
  );
}

export function memoryOfSmall(ground: Ground): Scenario {
  const { smallFiles } = ground.sizes;
  return memory(ground, 'memory-small', `a layer of ${smallFiles} small files`, (file) =>
    packSmallFiles(file, smallFiles),
  );
}

function memory(ground: Ground, name: string, what: string, pack: (file: string) => Promise<string>): Scenario {
  const archive = join(ground.dir, `${name}.aci`);
  const peak = join(ground.dir, `${name}-peak`);
  const store = storeIn(ground, 'new');
  const { prepare, clear } = inNewStore(store);
  return {
    name,
    what: `the most memory that an import of ${what} has had at once`,
    measure: 'bytes',
    contestants: [
      {
        name: 'cairn import',
        prepare: async () => {
          if (!fs.existsSync(archive)) await pack(archive);
          await prepare();
        },
        run: async (stopwatch) => {
          await stopwatch.run([process.execPath, PROGRAM, peak, ...cairn(store, 'import', archive)]);
          const bytes = Number(fs.readFileSync(peak, 'latin1'));
          expect(bytes > 0, 'nobody can tell the memory of a process here');
          stopwatch.needs(bytes);
          return undefined;
        },
        clear,
      },
    ],
    skipped: [],
    close: () => remove(archive),
  };
}
