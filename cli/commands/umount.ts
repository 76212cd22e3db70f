/** `cairn umount`: takes mounts of trees away. */
import type { Command } from 'commander';
import type { TreeMount } from '../../engine/tree/mounts.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';

export function define(command: Command): void {
  command
    .argument(
      '<dir-or-tree...>',
      'a directory where a tree is mounted; or a tree id or an image, for all of its mounts',
    )
    .action((targets: string[], _options: object, self: Command) =>
      withStore(self, 'read', async ({ store, print }) => {
        const gone: TreeMount[] = [];
        for (const target of targets) gone.push(...(await store.unmount(target)));
        print(gone, (all) => all.map(({ path }) => `${path}\n`).join(''));
        return undefined;
      }),
    );
  examples(command, ['cairn umount /mnt', 'cairn umount example.com/app']);
}
