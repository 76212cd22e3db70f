import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type { Command } from 'commander';
import { asDamage } from '../../engine/core/damage.js';
import { CairnError } from '../../engine/core/errors.js';
import { keyOfHex } from '../../engine/core/key.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument('<path>', 'a file of the image; symlinks are followed inside it')
    .action((image: string, path: string, _options: object, self: Command) =>
      withStore(self, 'look', async ({ store, write }) => {
        const { object, key } = await store.locate(image, path);
        const hash = createHash('sha512');
        for await (const chunk of contentOf(object)) {
          hash.update(chunk);
          await write(chunk);
        }
        const found = keyOfHex(hash.digest('hex'));
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

async function* contentOf(object: string): AsyncGenerator<Buffer> {
  try {
    yield* fs.createReadStream(object) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw asDamage(cause, 'an object', object, '"cairn fsck" tells which images need it');
  }
}
