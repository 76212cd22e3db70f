/** One stage of an import alone: threads of Node that do nothing else. */
import { fileURLToPath } from 'node:url';
import type { Contestant } from '../measure/contestant.js';

const PROGRAM = fileURLToPath(new URL('./programs/stage.js', import.meta.url));

export type Stage = 'inflate' | 'sha512-twice';

const NAMES: Readonly<Record<Stage, string>> = {
  inflate: 'inflate',
  'sha512-twice': 'sha512 twice',
};

/** @param files gzipped ones for `inflate`, plain ones for `sha512-twice` */
export function stage(
  name: Stage,
  threads: number,
  files: () => readonly string[],
  prepare?: () => Promise<void>,
): Contestant {
  return {
    name: `${NAMES[name]} alone, ${threads} thread${threads === 1 ? '' : 's'}`,
    ...(prepare === undefined ? {} : { prepare }),
    run: async (stopwatch) => {
      await stopwatch.run([process.execPath, PROGRAM, name, `${threads}`, ...files()]);
      return undefined;
    },
  };
}
