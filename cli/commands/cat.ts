import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { CairnError } from '../../engine/errors.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument('<path>', 'a file of the image; symlinks are followed inside it')
    .action((image: string, path: string, _options: object, self: Command) =>
      withStore(self, 'look', async ({ store, running }) => {
        const { object, key } = await store.locate(image, path);
        const hash = createHash('sha512');
        const content = fs.createReadStream(object).on('data', (chunk) => hash.update(chunk));
        await pipeline(content, process.stdout, { end: false, signal: running.signal });
        const found = `sha512-${hash.digest('hex')}`;
        if (found === key) return undefined;
        throw new CairnError('ERR_DAMAGED', 'what was printed is not the content of the file', {
          path: object,
          expected: key,
          found,
        });
      }),
    );
  examples(command, ['cairn cat example.com/app etc/os-release']);
}
