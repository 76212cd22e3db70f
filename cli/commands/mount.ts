/** `cairn mount`: mounts trees, and lists what is mounted. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { isTreeArgument } from '../../engine/core/key.js';
import type { TreeMount } from '../../engine/tree/mounts.js';
import { examples } from '../help.js';
import { addPullOptions, bringsImage, findOptions, type PullFlags } from '../pull.js';
import { withStore } from '../session.js';
import { saySkipped } from '../skipped.js';
import { shortKey, shortTree, table } from '../table.js';
import { formatSize } from '../units.js';

interface Options extends PullFlags {
  rebuild?: boolean;
}

export function define(command: Command): void {
  addPullOptions(command)
    .argument('<image-or-tree>', 'an image, or a tree id')
    .argument('[dir]', 'where to mount it (default: a directory below /run/cairn)')
    .option('--rebuild', 'make what is mounted anew')
    .action((argument: string, dir: string | undefined, _options: Options, self: Command) => {
      const brings = !isTreeArgument(argument) && bringsImage(self, argument);
      return withStore<Options>(self, brings ? 'create' : 'write', async ({ store, options, running, print, say }) => {
        const { rebuild } = options;
        const mounted = await store.mount(argument, {
          ...running,
          ...findOptions(options),
          ...defined({ dir, rebuild }),
        });
        if (!mounted.existed) saySkipped(say, mounted.skipped);
        print(mounted, ({ path }) => `${path}\n`);
        return undefined;
      });
    });
  defineList(command.command('ls').description('List what is mounted.'));
  examples(command, [
    'cairn mount example.com/app:1.0.0',
    'cairn mount example.com/app /mnt',
    'ls "$(cairn mount ./app.aci)"',
  ]);
}

function defineList(command: Command): void {
  command.action((_options: object, self: Command) =>
    withStore(self, 'look', async ({ store, print }) => {
      const mounts: TreeMount[] = [];
      for await (const mount of store.mounts()) mounts.push(mount);
      print(mounts, (all) =>
        table(
          ['TREE', 'IMAGE', 'FILES', 'SIZE', 'OWN', 'PATH'],
          all.map(({ treeId, image, files, bytes, imageBytes, path }) => [
            shortTree(treeId),
            image === null ? '' : shortKey(image),
            `${files}`,
            formatSize(bytes),
            formatSize(imageBytes),
            path ?? 'not seen from here',
          ]),
        ),
      );
      return undefined;
    }),
  );
  examples(command, ['cairn mount ls', 'cairn mount ls --json']);
}
