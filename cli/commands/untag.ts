/** `cairn untag`: takes names of images away. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortKey } from '../table.js';

export function define(command: Command): void {
  command.argument('<name...>', 'NAME[:TAG]').action((names: string[], _options: object, self: Command) =>
    withStore(self, 'write', async ({ store, print }) => {
      print(await store.untag(names), (all) =>
        all
          .map((image) => {
            const left = image.names.length === 0 ? '(no name left; gc takes it)' : image.names.join(' ');
            return `${shortKey(image.key)}  ${left}\n`;
          })
          .join(''),
      );
      return undefined;
    }),
  );
  examples(command, ['cairn untag app:1.0', 'cairn untag app:1.0 app:1.1']);
}
