/** `cairn ls`: lists images. */
import { type Command, Option } from 'commander';
import type { ImageSummary } from '../../engine/inspect/image.js';
import { examples } from '../help.js';
import { withStoreOrNothing } from '../session.js';
import { shortKey, table } from '../table.js';
import { formatAge, formatSize } from '../units.js';

const FIELDS = ['key', 'name', 'size', 'treeSize', 'importTime', 'lastUsed'] as const;

interface Options {
  sort: (typeof FIELDS)[number];
  order: 'asc' | 'desc';
  full?: boolean;
}

export function define(command: Command): void {
  command
    .addOption(new Option('--sort <field>', 'what to sort by').choices(FIELDS).default('importTime'))
    .addOption(new Option('--order <order>', 'direction').choices(['asc', 'desc']).default('asc'))
    .option('--full', 'whole keys, bytes and times')
    .action((_options: Options, self: Command) =>
      withStoreOrNothing<Options>(
        self,
        async ({ store, options, print }) => {
          const images: ImageSummary[] = [];
          for await (const image of store.images()) images.push(image);
          const direction = options.order === 'desc' ? -1 : 1;
          images.sort((a, b) => direction * compare(a[options.sort], b[options.sort]));
          print(images, (all) => text(all, options.full === true));
          return undefined;
        },
        '[]\n',
      ),
    );
  examples(command, ['cairn ls', 'cairn ls --sort size --order desc', "cairn ls --json | jq -r '.[].key'"]);
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function text(images: readonly ImageSummary[], full: boolean): string {
  return table(
    ['KEY', 'NAME', 'SIZE', 'TREES', 'IMPORTED', 'USED', ''],
    images.map(({ key, name, labels, size, treeSize, importTime, lastUsed, latest, pinned }) => [
      full ? key : shortKey(key),
      labels['version'] === undefined ? name : `${name}:${labels['version']}`,
      full ? `${size}` : formatSize(size),
      full ? `${treeSize}` : formatSize(treeSize),
      full ? importTime : formatAge(importTime),
      full ? lastUsed : formatAge(lastUsed),
      [latest ? 'latest' : '', pinned ? 'pinned' : ''].filter(Boolean).join(','),
    ]),
  );
}
