/** `cairn blob`: lists and removes what `put` has stored. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortKey, table } from '../table.js';
import { formatSize } from '../units.js';

export function define(command: Command): void {
  defineList(command.command('ls').description('List blobs that were put.'));
  defineRemove(command.command('rm').description('Remove blobs that were put.'));
  examples(command, ['cairn blob ls', 'cairn blob rm sha512-3f1c']);
}

function defineList(command: Command): void {
  command.action((_options: object, self: Command) =>
    withStore(self, 'look', async ({ store, options, print }) => {
      const blobs: { key: string; size: number }[] = [];
      for await (const blob of store.blobs()) blobs.push(blob);
      const ids = (all: typeof blobs): string => all.map(({ key }) => `${shortKey(key)}\n`).join('');
      const rows = (all: typeof blobs): string =>
        table(
          ['KEY', 'SIZE'],
          all.map(({ key, size }) => [shortKey(key), formatSize(size)]),
        );
      print(blobs, options.quiet === true ? ids : rows);
      return undefined;
    }),
  );
  examples(command, ['cairn blob ls', "cairn blob ls --json | jq -r '.[].key'"]);
}

function defineRemove(command: Command): void {
  command.argument('<key...>', 'or any unambiguous prefix').action((keys: string[], _options: object, self: Command) =>
    withStore(self, 'write', async ({ store, print }) => {
      print(await store.removeBlobs(keys), (all) =>
        all.map(({ key, freedBytes }) => `${shortKey(key)}  ${formatSize(freedBytes)}\n`).join(''),
      );
      return undefined;
    }),
  );
  examples(command, ['cairn blob rm sha512-3f1c']);
}
