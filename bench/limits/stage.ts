/** One stage of an import alone, in threads of Node that do nothing else: what the stage itself allows. */
import { fileURLToPath } from 'node:url';
import type { Contestant } from '../measure/contestant.js';

const PROGRAM = fileURLToPath(new URL('./programs/stage.js', import.meta.url));

export type Stage = 'inflate' | 'sha512-twice';

const NAMES: Readonly<Record<Stage, string>> = {
  inflate: 'inflate',
  'sha512-twice': 'sha512 twice',
};

/** @param files gzipped for `inflate`, plain for the other */
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
