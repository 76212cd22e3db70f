/** `cairn put`: stores any bytes. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { withStore } from '../session.js';

export function define(command: Command): void {
  command
    .argument('<file>', 'what to store, or - for standard input')
    .action((file: string, _options: object, self: Command) =>
      withStore(self, 'create', async ({ store, running, print }) => {
        const result = await store.put(file === '-' ? process.stdin : file, running);
        print(result, ({ key }) => `${key}\n`);
        return undefined;
      }),
    );
  examples(command, ['cairn put notes.txt', 'echo hello | cairn put -']);
}
