/** `cairn cat`: prints one file of an image, and verifies it on the way. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { refuseTerminal } from '../terminal.js';

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument('<path>', 'a file of the image; symlinks are followed inside it')
    .action((image: string, path: string, _options: object, self: Command) =>
      withStore(self, 'look', async ({ store, write }) => {
        for await (const chunk of await store.read(image, path)) {
          if ((chunk as Buffer).includes(0)) refuseTerminal('-');
          await write(chunk as Buffer);
        }
        return undefined;
      }),
    );
  examples(command, ['cairn cat example.com/app etc/os-release']);
}
