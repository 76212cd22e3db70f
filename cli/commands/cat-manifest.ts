/** `cairn cat-manifest`: prints an image's manifest. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { withStore } from '../session.js';

interface Options {
  pretty?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<image>')
    .option('--pretty', 'indent it; without, the exact bytes')
    .action((image: string, _options: Options, self: Command) =>
      withStore<Options>(self, 'look', async ({ store, options, write }) => {
        const bytes = await store.catManifest(image);
        await write(
          options.pretty === true ? `${JSON.stringify(JSON.parse(bytes.toString('utf8')), null, 2)}\n` : bytes,
        );
        return undefined;
      }),
    );
  examples(command, ['cairn cat-manifest example.com/app', 'cairn cat-manifest --pretty sha512-3f1c']);
}
