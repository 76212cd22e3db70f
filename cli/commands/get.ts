/** `cairn get`: gives stored bytes back. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { refuseTerminal } from '../terminal.js';

interface Options {
  force?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<key>', 'or any unambiguous prefix')
    .argument('[file]', 'where to (default: standard output)', '-')
    .option('--force', 'replace a file that is there')
    .action((key: string, file: string, _options: Options, self: Command) =>
      withStore<Options>(self, 'look', async ({ store, options, running, print }) => {
        refuseTerminal(file);
        const result = await store.get(key, file, { ...running, ...defined({ force: options.force }) });
        if (file !== '-') print({ ...result, file }, ({ key: full }) => `${full}\n`);
        return undefined;
      }),
    );
  examples(command, ['cairn get sha512-3f1c notes.txt', 'cairn get sha512-3f1c | less']);
}
