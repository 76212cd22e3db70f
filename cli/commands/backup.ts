/** `cairn backup`: copies the store while it is in use. */
import type { Command } from 'commander';
import type { BackedUp } from '../../engine/recover/backup.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { formatMs, formatSize } from '../units.js';

export function define(command: Command): void {
  command.argument('<dest>', 'a new or empty directory').action((dest: string, _options: object, self: Command) =>
    withStore(self, 'read', async ({ store, running, print }) => {
      print(await store.backup(dest, running), text);
      return undefined;
    }),
  );
  examples(command, ['cairn backup /mnt/backup/cairn', 'cairn --store /mnt/backup/cairn check']);
}

function text({ dest, images, layers, objects, blobs, pods, bytes, linked, copied, ms }: BackedUp): string {
  const more = pods === 0 ? '' : `, ${pods} pods`;
  return (
    `${dest}: ${images} images, ${layers} layers, ${objects} objects, ${blobs} blobs${more} (${formatSize(bytes)}); ` +
    `${linked} files linked, ${copied} copied, ${formatMs(ms)}\n`
  );
}
