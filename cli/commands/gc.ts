/** `cairn gc`: collects what nobody needs. */
import type { Command } from 'commander';
import type { Collected } from '../../engine/collect/gc.js';
import { defined } from '../../engine/core/defined.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { formatMs, formatSize, parseCount, parseDuration, parseSize } from '../units.js';

interface Options {
  gracePeriod?: number;
  keepStorage?: number;
  keepLast?: number;
  dryRun?: boolean;
}

export function define(command: Command): void {
  command
    .option(
      '--grace-period <duration>',
      'keep what was used within (default: 24h; 0 with --keep-storage)',
      parseDuration,
    )
    .option('--keep-storage <size>', 'evict least recently used first, until no more than this is stored', parseSize)
    .option('--keep-last <n>', 'keep the newest N images of each name', parseCount)
    .option('--dry-run', 'only tell what would go')
    .action((_options: Options, self: Command) =>
      withStore<Options>(self, 'write', async ({ store, options, running, print }) => {
        const { gracePeriod, keepStorage, keepLast, dryRun } = options;
        const result = await store.gc({
          ...running,
          ...defined({ graceMs: gracePeriod, keepStorage, keepLast, dryRun }),
        });
        print(result, text);
        return undefined;
      }),
    );
  examples(command, ['cairn gc --dry-run', 'cairn gc --grace-period 7d --keep-last 3', 'cairn gc --keep-storage 50GB']);
}

function text({ dryRun, removed, freedBytes, keptBytes, ms }: Collected): string {
  const { trees, images, layers, objects, staging, quarantine } = removed;
  const verb = dryRun ? 'would remove' : 'removed';
  const repairs = quarantine === 0 ? '' : `, what ${quarantine} repairs put in quarantine`;
  return (
    `${verb} ${trees} trees, ${images} images, ${layers} layers, ${objects} objects, ${staging} leftovers${repairs}: ` +
    `${formatSize(freedBytes)} freed, ${formatSize(keptBytes)} kept, ${formatMs(ms)}\n`
  );
}
