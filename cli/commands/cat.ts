import * as fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { examples } from '../help.js';
import { withStore } from '../session.js';

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument('<path>', 'a file of the image; symlinks are followed inside it')
    .action((image: string, path: string, _options: object, self: Command) =>
      withStore(self, 'read', async ({ store, running }) => {
        const { object } = await store.locate(image, path);
        await pipeline(fs.createReadStream(object), process.stdout, { end: false, signal: running.signal });
        return undefined;
      }),
    );
  examples(command, ['cairn cat example.com/app etc/os-release']);
}
