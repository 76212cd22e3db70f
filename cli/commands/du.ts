/** `cairn du`: shows what takes the space. */
import type { Command } from 'commander';
import type { Usage } from '../../engine/inspect/usage.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortKey, table } from '../table.js';
import { formatSize } from '../units.js';

export function define(command: Command): void {
  command.action((_options: object, self: Command) =>
    withStore(self, 'read', async ({ store, print }) => {
      print(await store.du(), text);
      return undefined;
    }),
  );
  examples(command, ['cairn du', 'cairn du --json | jq .reclaimableBytes']);
}

function text(usage: Usage): string {
  const rows = usage.perImage
    .toSorted((a, b) => b.objectBytes - a.objectBytes)
    .map(({ key, names, size, objectBytes, trees, treeBytes }) => [
      shortKey(key),
      names.join(' ') || '-',
      formatSize(size),
      formatSize(objectBytes),
      `${trees}`,
      formatSize(treeBytes),
    ]);
  return (
    `${table(['KEY', 'NAME', 'SIZE', 'OBJECTS', 'TREES', 'OWN'], rows)}` +
    `${usage.images} images, ${usage.layers} layers, ${usage.objects} objects, ${usage.blobs} blobs, ${usage.trees} trees\n` +
    `stored ${formatSize(usage.storedBytes)} for ${formatSize(usage.logicalBytes)} of content; ` +
    `sharing saves ${formatSize(usage.sharedBytes)}; gc would free ${formatSize(usage.reclaimableBytes)}\n` +
    `on the disk ${formatSize(usage.diskBytes)}: whole blocks for each file, the index (${formatSize(usage.index)}) ` +
    'and what it keeps back for a full disk\n'
  );
}
