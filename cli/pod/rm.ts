/** `cairn pod rm`: removes pods. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';

interface Options {
  force?: boolean;
}

export function defineRm(command: Command): void {
  command
    .argument('<pod...>', 'UUIDs, or the beginnings of them')
    .option('--force', 'also pods that run: their apps are killed')
    .action((pods: string[], _options: Options, self: Command) =>
      withStore<Options>(self, 'write', async ({ store, options, running, print }) => {
        const removed = await store.removePods(pods, { signal: running.signal, ...defined({ force: options.force }) });
        print(removed, (all) => all.map(({ pod }) => `${pod}\n`).join(''));
        return undefined;
      }),
    );
  examples(command, ['cairn pod rm 7d0f', 'cairn pod rm $(cairn pod ls --state exited -q)']);
}
