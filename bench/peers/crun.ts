/** crun runs a bundle, one that umoci has just unpacked, or one that is ready. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { isCairnError } from '../../engine/core/errors.js';
import { commandOf, findRuntime } from '../../engine/pod/run/runtime.js';
import type { Peer } from '../measure/contestant.js';
import { type Command, remove, run } from '../measure/process.js';

/** An image layout, and what is run of its image. */
export interface Runnable {
  layout: string;
  args: readonly string[];
}

const PROGRAMS = ['umoci', 'crun'];

/** The bundle is unpacked and run. It need not survive anything, so that nothing is flushed. */
export function unpackedAndRun(runnable: Runnable, dir: string): Peer {
  const bundle = join(dir, 'run-bundle');
  return {
    programs: PROGRAMS,
    contestant: {
      name: 'umoci unpack + crun run',
      run: async (stopwatch) => {
        await stopwatch.run(unpack(runnable, bundle));
        setArgs(bundle, runnable.args);
        await stopwatch.run(crunRun(bundle));
        return undefined;
      },
      clear: () => remove(bundle),
    },
  };
}

/** The bundle is unpacked beforehand. */
export function readyAndRun(runnable: Runnable, dir: string): Peer {
  const bundle = join(dir, 'ready-bundle');
  return {
    programs: PROGRAMS,
    contestant: {
      name: 'crun run of a ready bundle',
      prepare: async () => {
        if (fs.existsSync(bundle)) return;
        await run(unpack(runnable, bundle));
        setArgs(bundle, runnable.args);
      },
      run: async (stopwatch) => {
        await stopwatch.run(crunRun(bundle));
        return undefined;
      },
    },
  };
}

/** Why no apps can be run here, if they cannot. */
export function unfitToRun(): string | undefined {
  if (process.geteuid?.() !== 0) return 'only root mounts overlays';
  try {
    findRuntime('crun');
    return undefined;
  } catch (error) {
    if (isCairnError(error)) return error.message;
    throw error;
  }
}

function unpack({ layout }: Runnable, bundle: string): Command {
  return ['umoci', 'unpack', '--image', `${layout}:latest`, bundle];
}

let containers = 0;

/** As cairn starts it: some machines need a mount namespace around it. */
function crunRun(bundle: string): Command {
  const [file, args] = commandOf(findRuntime('crun'), [
    ...['run', '--bundle', bundle, `bench-${process.pid}-${containers++}`],
  ]);
  return [file, ...args];
}

function setArgs(bundle: string, args: readonly string[]): void {
  const file = join(bundle, 'config.json');
  const config = JSON.parse(fs.readFileSync(file, 'utf8')) as { process: Record<string, unknown> };
  const process = { ...config.process, args, terminal: false };
  fs.writeFileSync(file, JSON.stringify({ ...config, process }));
}
