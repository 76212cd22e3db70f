/** `cairn pod run`: prepares a pod, runs it, and ends as its apps do. What `cairn run` has in common with it, too. */
import { type Command, Option } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import type { RunOptions } from '../../engine/pod/run/options.js';
import { findRuntime } from '../../engine/pod/run/runtime.js';
import { examples } from '../help.js';
import { addPullOptions, findOptions, type PullFlags } from '../pull.js';
import { type Globals, type Session, withStore } from '../session.js';
import { accessFor } from './prepare.js';
import { type PodSource, readPodSource } from './source.js';

export interface RunFlags extends PullFlags {
  interactive?: boolean;
  tty?: boolean;
  runtime?: string;
  net?: 'none' | 'host';
  keep?: boolean;
  rm?: boolean;
}

const POD_ID = /^[0-9a-f]{8}-[0-9a-f-]{0,27}$/;

export function defineRun(command: Command): void {
  command
    .argument('<manifest-or-image>', 'the file of a manifest ("-": standard input), an image, or a prepared pod')
    .argument('[args...]', 'further arguments for what the image runs; of an OCI image they replace its Cmd')
    .option('--exec <program>', 'run this instead of what the image says')
    .option('--rm', 'remove the pod when it has ended')
    .action(async (argument: string, args: string[], { exec }: { exec?: string }, self: Command) => {
      const own = { exec, args };
      if (POD_ID.test(argument)) return runPrepared(self, argument, own);
      const source = await readPodSource([argument], self.optsWithGlobals<Globals>());
      return runSource(self, source, own, ({ rm }) => rm !== true);
    });
  addRunOptions(command);
  examples(command, [
    'cairn pod run pod.json',
    'cairn pod run --rm example.com/app:1.0.0 -- --port 8080',
    'cairn pod run "$(cairn pod prepare pod.json)"',
  ]);
}

/** The options that both commands have. */
export function addRunOptions(command: Command): void {
  command
    .option('-i, --interactive', 'the app reads standard input')
    .option('-t, --tty', 'the app has this terminal; implies --interactive')
    .option('--runtime <runtime>', 'the OCI runtime: a path or a name (default: crun, else runc)')
    .addOption(
      new Option('--net <net>', 'the network of the apps: none (default), or the host’s').choices(['none', 'host']),
    );
  addPullOptions(command);
}

/** What runs in place of what an image says. */
export interface AppCommand {
  exec?: string | undefined;
  args: readonly string[];
  replace?: boolean;
}

/** Prepares a pod and runs it. @param keep whether it is kept when it has ended */
export function runSource(
  self: Command,
  source: PodSource,
  command: AppCommand,
  keep: (flags: RunFlags) => boolean,
): Promise<void> {
  return withStore<RunFlags>(self, accessFor(self, source), async (session) => {
    const { store, options, running } = session;
    const how = runOptions(session, command);
    if (!keep(options)) return (await store.run(source, { ...how, ...findOptions(options) })).exitCode;
    // Without a runtime there is no use in preparing.
    findRuntime(options.runtime);
    const { id } = await store.preparePod(source, { ...running, ...findOptions(options) });
    return (await store.runPod(id, how)).exitCode;
  });
}

/** Runs a pod that was prepared. */
export function runPrepared(self: Command, pod: string, command: AppCommand): Promise<void> {
  return withStore<RunFlags>(self, 'write', async (session) => {
    return (await session.store.runPod(pod, runOptions(session, command))).exitCode;
  });
}

function runOptions(session: Session<RunFlags>, { exec, args, replace }: AppCommand): RunOptions {
  const { running, options, handSignals, say } = session;
  const { interactive, tty, runtime, net } = options;
  if (tty === true && !process.stdin.isTTY)
    throw new CairnError('ERR_USAGE', '--tty needs a terminal as standard input');
  return {
    ...running,
    ...defined({ interactive, tty, runtime, net, exec, replace }),
    args: [...args],
    signals: handSignals,
    onStart: (pod) => {
      if (options.verbose === true) say(`pod ${pod}`);
    },
  };
}
