/** `cairn rm`: removes images. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortKey } from '../table.js';
import { formatSize } from '../units.js';

interface Options {
  force?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<image...>')
    .option('--force', 'also while a pin, lease or pod holds it')
    .action((images: string[], _options: Options, self: Command) =>
      withStore<Options>(self, 'write', async ({ store, options, running, print, say }) => {
        const removed = await store.remove(images, { ...options, ...running });
        for (const { name, held } of removed) if (held.length > 0) say(`${name} was held by ${held.join(', ')}`);
        print(removed, (all) =>
          all
            .map(({ key, name, removedTrees, freedBytes }) => {
              const trees = removedTrees.length === 0 ? '' : `, ${removedTrees.length} trees`;
              return `${shortKey(key)}  ${name}  ${formatSize(freedBytes)}${trees}\n`;
            })
            .join(''),
        );
        return undefined;
      }),
    );
  examples(command, ['cairn rm example.com/app:1.0.0', 'cairn rm --force sha512-3f1c']);
}
