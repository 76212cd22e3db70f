/** Commands that begin a build, put files into its tree, and end it. */
import { type Command, Option } from 'commander';
import type { BeginOptions } from '../../engine/build/begin.js';
import { type Copied, copyIntoBuild } from '../../engine/build/copy.js';
import { endBuild } from '../../engine/build/edit.js';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import { printable } from '../../engine/core/printable.js';
import { print } from '../output.js';
import { addPullOptions, findOptions, type PullFlags } from '../pull.js';
import { withStore } from '../session.js';
import { saySkipped } from '../skipped.js';
import { commandOf, dirOf, type OfBuild, ofBuild, onBuild, withWorker } from './directory.js';

interface RunFlags extends OfBuild {
  workingDir?: string;
  interactive?: boolean;
  runtime?: string;
  net?: 'none' | 'host';
}

type BeginFlags = Pick<BeginOptions, 'from' | 'format' | 'flat' | 'history'> & PullFlags;

export function defineTree(command: Command): void {
  addPullOptions(command.command('begin'))
    .description('Make a private, writable tree with a working manifest.')
    .argument('<dir>', 'new, or empty')
    .option('--from <image>', 'an image, a directory with a root file system, or a tar of one (default: nothing)')
    .addOption(
      new Option('--format <format>', "what to make (default: the image's, and aci for others)").choices([
        'aci',
        'oci',
      ]),
    )
    .option('--flat', 'of an ACI: its whole tree, in place of its own files and its dependencies')
    .option('--history', "keep acbuild's annotations of what was done")
    .action((dir: string, _options: BeginFlags, self: Command) =>
      withStore<BeginFlags>(self, 'create', async ({ store, options, running, print: show, say }) => {
        const { from, format, flat, history } = options;
        const begun = await store.beginBuild(dir, {
          ...running,
          ...findOptions(options),
          ...defined({ from, format, flat, history }),
        });
        saySkipped(say, begun.skipped);
        show(begun, ({ path }) => `${path}\n`);
        return undefined;
      }),
    );
  ofBuild(command.command('copy').description('Copy a file or directory into the tree, under the name that is given.'))
    .argument('<source>', 'on this machine')
    .argument('<path>', 'in the image; missing directories above it are made')
    .action((source: string, path: string, _options: OfBuild, self: Command) => copy(self, [source], path, false));
  ofBuild(command.command('copy-to-dir').description('Copy files and directories into a directory of the tree.'))
    .argument('<path...>', 'what to copy, and last the directory in the image')
    .action((paths: string[], _options: OfBuild, self: Command) => {
      if (paths.length < 2) throw new CairnError('ERR_USAGE', 'say what to copy, and last the directory in the image');
      return copy(self, paths.slice(0, -1), paths.at(-1) as string, true);
    });
  ofBuild(command.command('run').description('Run a command in the tree, over the dependencies.'))
    .argument('<command...>', 'after --, so that its own options are left alone')
    .option('--working-dir <path>', "where (default: the manifest's working directory)")
    .option('-i, --interactive', 'the command reads standard input')
    .option('--runtime <runtime>', 'the OCI runtime: a path or a name (default: crun, else runc)')
    .addOption(
      new Option('--net <net>', 'the network of the command: none (default), or the host’s').choices(['none', 'host']),
    )
    .action((args: string[], _options: RunFlags, self: Command) =>
      withStore<RunFlags>(self, 'create', async ({ store, options, running, handSignals }) => {
        const { workingDir: workingDirectory, interactive, runtime, net } = options;
        return store.runInBuild(dirOf(options), args, {
          signal: running.signal,
          signals: handSignals,
          command: commandOf(self, args),
          ...defined({ workingDirectory, interactive, runtime, net }),
        });
      }),
    );
  ofBuild(command.command('end').description('Delete the build. What was written of it stays.')).action(
    (_options: OfBuild, self: Command) =>
      onBuild(self, async (dir) => {
        await withWorker((pool) => endBuild(pool, dir));
        return undefined;
      }),
  );
}

function copy(self: Command, sources: readonly string[], dest: string, toDirectory: boolean): Promise<void> {
  return onBuild(self, async (dir, { json, quiet }) => {
    const command = commandOf(self, [...sources, dest]);
    const copied = await withWorker((pool, running) =>
      copyIntoBuild(pool, dir, { sources, dest }, { ...running, toDirectory, command }),
    );
    const say = (message: string): void => {
      if (quiet !== true) process.stderr.write(`cairn: ${printable(message)}\n`);
    };
    saySkipped(say, copied.skipped);
    for (const path of copied.passedOver) say(`${path} was passed over: it is a socket, or a mount`);
    if (json !== true) print('');
    return told(copied);
  });
}

function told({ files, bytes, skipped, passedOver }: Copied): object {
  return { files, bytes, skipped, passedOver };
}
