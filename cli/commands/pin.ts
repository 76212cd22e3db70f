/** `cairn pin`: keeps images from being collected. */
import type { Command } from 'commander';
import type { ImageSummary } from '../../engine/inspect/image.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';

export function define(command: Command): void {
  command.argument('<image...>').action((images: string[], _options: object, self: Command) =>
    withStore(self, 'write', async ({ store, print }) => {
      const records: ImageSummary[] = [];
      for (const image of images) records.push(await store.pin(image));
      print(records, (all) => all.map(({ key }) => `${key}\n`).join(''));
      return undefined;
    }),
  );
  examples(command, ['cairn pin example.com/app:1.0.0']);
}
