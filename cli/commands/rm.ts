/** `cairn rm`: removes names and images. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortKey } from '../table.js';
import { formatSize } from '../units.js';

interface Options {
  all?: boolean;
  force?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<image...>', 'a name goes, and the image with its last name; a key means the image with all names')
    .option('-a, --all', 'a name without a version means all images of that name')
    .option('--force', 'also while a pin, lease or pod holds it')
    .action((images: string[], _options: Options, self: Command) =>
      withStore<Options>(self, 'write', async ({ store, options, running, print, say }) => {
        const { all, force } = options;
        const removed = await store.rm(images, { ...running, ...defined({ all, force }) });
        for (const { name, held } of removed) if (held.length > 0) say(`${name} was held by ${held.join(', ')}`);
        print(removed, (all) =>
          all
            .map(({ key, untagged, removed: isGone, removedTrees, freedBytes }) => {
              const trees = removedTrees.length === 0 ? '' : `, ${removedTrees.length} trees`;
              const what = isGone ? `removed, ${formatSize(freedBytes)}${trees}` : 'still has other names';
              return `${shortKey(key)}  ${untagged.join(' ') || '-'}  ${what}\n`;
            })
            .join(''),
        );
        return undefined;
      }),
    );
  examples(command, [
    'cairn rm example.com/app:1.0.0',
    'cairn rm --all example.com/app',
    'cairn rm --force sha512-3f1c',
  ]);
}
