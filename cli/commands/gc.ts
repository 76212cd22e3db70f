/** `cairn gc`: collects what nobody needs. */
import type { Command } from 'commander';
import type { Collected } from '../../engine/collect/gc.js';
import { defined } from '../../engine/core/defined.js';
import { printable } from '../../engine/core/printable.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortKey, shortTree } from '../table.js';
import { formatMs, formatSize, parseCount, parseDuration, parseStorage } from '../units.js';

interface Options {
  gracePeriod?: number;
  keepStorage?: number;
  keepLast?: number;
  images?: boolean;
  dryRun?: boolean;
}

export function define(command: Command): void {
  command
    .option(
      '--grace-period <duration>',
      'keep what was used within (default: 24h; 0 with --keep-storage)',
      parseDuration,
    )
    .option('--images', 'also named images that were not used within the grace period')
    .option('--keep-storage <size>', 'evict least recently used first, until no more than this is stored', parseStorage)
    .option('--keep-last <n>', 'keep the newest N images of each name', parseCount)
    .option('--dry-run', 'only list what would go')
    .action((_options: Options, self: Command) =>
      withStore<Options>(self, 'write', async ({ store, options, running, print, say }) => {
        const { gracePeriod, keepStorage, keepLast, images, dryRun } = options;
        const result = await store.gc({
          ...running,
          ...defined({ graceMs: gracePeriod, keepStorage, keepLast, images, dryRun }),
        });
        if (keepStorage !== undefined && result.keptBytes > keepStorage)
          say('more is kept than asked: the rest is pinned, leased, in use or was used within the grace period');
        print(result, text);
        return undefined;
      }),
    );
  examples(command, [
    'cairn gc --dry-run',
    'cairn gc --images --grace-period 7d',
    'cairn gc --grace-period 7d --keep-last 3',
    'cairn gc --keep-storage 50GB',
  ]);
}

function text({ dryRun, removed, gone, packs, freedBytes, keptBytes, ms }: Collected): string {
  const { trees, images, layers, objects, staging, quarantine } = removed;
  const verb = dryRun ? 'would remove' : 'removed';
  const listed = [
    ...gone.images.map(({ key, names }) => `${verb} image ${shortKey(key)}  ${names.join(' ') || '-'}`),
    ...gone.trees.map(({ treeId, images: of }) => `${verb} tree  ${shortTree(treeId)}  of ${of.join(' ') || '-'}`),
  ];
  const counts = Object.entries({ trees, images, layers, objects })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`);
  if (staging > 0) counts.push(`${staging} leftovers of interrupted commands`);
  if (quarantine > 0) counts.push(`what ${quarantine} repairs put in quarantine`);
  // What is freed without any of these are manifests, tables of contents and the like.
  const what = counts.length > 0 ? counts.join(', ') : freedBytes > 0 ? 'only metadata that nothing needs' : 'nothing';
  const sizes = `${formatSize(freedBytes)} freed, ${formatSize(keptBytes)} kept, ${formatMs(ms)}`;
  const lines = [...listed.map(printable), ...aboutPacks(packs, dryRun), `${verb} ${what}: ${sizes}`];
  return lines.map((line) => `${line}\n`).join('');
}

function aboutPacks({ rewritten, copiedBytes, freedBytes }: Collected['packs'], dryRun: boolean): string[] {
  if (rewritten === 0) return [];
  const sizes = `${formatSize(copiedBytes)} copied, ${formatSize(freedBytes)} of the disk given back`;
  return [`${dryRun ? 'would write' : 'wrote'} anew what lives in ${rewritten} packs: ${sizes}`];
}
