/** `cairn get`: gives stored bytes back. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { withStore } from '../session.js';

export function define(command: Command): void {
  command
    .argument('<key>', 'or any unambiguous prefix')
    .argument('[file]', 'where to (default: standard output)', '-')
    .action((key: string, file: string, _options: object, self: Command) =>
      withStore(self, 'look', async ({ store, running, print }) => {
        const result = await store.get(key, file, running);
        if (file !== '-') print({ ...result, file }, ({ key: full }) => `${full}\n`);
        return undefined;
      }),
    );
  examples(command, ['cairn get sha512-3f1c notes.txt', 'cairn get sha512-3f1c | less']);
}
