/** `cairn tag`: gives an image one more name. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortKey } from '../table.js';

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument('<name>', 'NAME[:TAG], the tag "latest" by default; another image that has it loses it')
    .action((image: string, name: string, _options: object, self: Command) =>
      withStore(self, 'write', async ({ store, print, say }) => {
        const tagged = await store.tag(image, name);
        for (const { name: moved, from } of tagged.moved ?? []) say(`${moved} meant ${shortKey(from)} before`);
        print(tagged, ({ key, names }) => `${shortKey(key)}  ${names.join(' ')}\n`);
        return undefined;
      }),
    );
  examples(command, ['cairn tag sha512-3f1c example.com/app:2.0', 'cairn tag app:2.0 app']);
}
