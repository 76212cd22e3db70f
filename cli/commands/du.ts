/** `cairn du`: shows what takes the space. */
import type { Command } from 'commander';
import type { Usage } from '../../engine/inspect/usage.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortKey, table } from '../table.js';
import { formatSize } from '../units.js';

export function define(command: Command): void {
  command.action((_options: object, self: Command) =>
    withStore(self, 'read', async ({ store, running, print }) => {
      print(await store.du(running), text);
      return undefined;
    }),
  );
  examples(command, ['cairn du', 'cairn du --json | jq .reclaimableBytes']);
}

function text(usage: Usage): string {
  const { stored } = usage;
  const pods = usage.pods === 0 ? '' : `, ${usage.pods} pods (${formatSize(stored.pods)})`;
  const rows = usage.perImage
    .toSorted((a, b) => b.objectBytes - a.objectBytes)
    .map(({ key, names, size, objectBytes, archiveBytes, trees, treeBytes }) => [
      shortKey(key),
      names.join(' ') || '-',
      formatSize(size),
      formatSize(objectBytes),
      formatSize(archiveBytes),
      `${trees}`,
      formatSize(treeBytes),
    ]);
  return (
    `${table(['KEY', 'NAME', 'SIZE', 'OBJECTS', 'ARCHIVES', 'TREES', 'OWN'], rows)}` +
    `${usage.images} images, ${usage.layers} layers, ${usage.objects} objects, ` +
    `${usage.blobs} blobs, ${usage.trees} trees${pods}\n` +
    `stored ${formatSize(usage.storedBytes)}: objects ${formatSize(stored.objects)}, ` +
    `documents ${formatSize(stored.documents)}, ` +
    `kept archives ${formatSize(stored.archives)}, put blobs ${formatSize(stored.put)}, ` +
    `trees ${formatSize(stored.trees)}; gc would free ${formatSize(usage.reclaimableBytes)}\n` +
    `layers hold ${formatSize(usage.logicalBytes)} of files in ${formatSize(usage.neededBytes)} of objects: ` +
    `sharing saves ${formatSize(Math.max(0, usage.logicalBytes - usage.neededBytes))}\n` +
    `${aboutPacks(usage)}on the disk ${formatSize(usage.diskBytes)}: whole blocks for each file, ` +
    `the index (${formatSize(usage.index)}) and what it keeps back for a full disk\n`
  );
}

/** What only a store with packs has, and what trees are mounted from. */
function aboutPacks({ packs, links, treeImages }: Usage): string {
  const lines: string[] = [];
  if (packs !== undefined) {
    lines.push(
      `packs ${packs.files} (${formatSize(packs.bytes)}): objects ${formatSize(packs.objectBytes)}, ` +
        `dead ${formatSize(packs.deadBytes)}, ` +
        `holes ${formatSize(packs.holeBytes)}, tables and padding ${formatSize(packs.otherBytes)}; ` +
        `${formatSize(packs.diskBytes)} on the disk`,
    );
  }
  if (links !== undefined && links.files > 0)
    lines.push(`files that trees share ${links.files} (${formatSize(links.diskBytes)} on the disk)`);
  if (treeImages.files > 0)
    lines.push(`images of mounted trees ${treeImages.files} (${formatSize(treeImages.diskBytes)} on the disk)`);
  return lines.map((line) => `${line}\n`).join('');
}
