/** `cairn fsck`: compares the index with the disk, repairs, and makes the index anew. */
import type { Command } from 'commander';
import { printable } from '../../engine/core/printable.js';
import type { Rebuilt } from '../../engine/recover/rebuild-index.js';
import type { FsckResult } from '../../engine/verify/fsck.js';
import { examples } from '../help.js';
import { EXIT } from '../report.js';
import { type Prepare, withStore } from '../session.js';

interface Options {
  repair?: boolean;
  rebuildIndex?: boolean;
}

export function define(command: Command): void {
  command
    .option('--repair', 'hash everything, set metadata again, quarantine what is damaged, mend the rest')
    .option('--rebuild-index', 'make the index anew from what the store holds, when it is lost or damaged')
    .action(({ repair = false, rebuildIndex = false }: Options, self: Command) => {
      let rebuilt: Rebuilt | undefined;
      const prepare: Prepare = async (opening, running) => {
        if (rebuildIndex) {
          const engine = await import('../../engine/recover/rebuild-index.js');
          rebuilt = await engine.rebuildIndex({ ...opening, ...running });
        }
        return { ...opening, verifyIndex: true };
      };
      return withStore(
        self,
        repair || rebuildIndex ? 'write' : 'read',
        async ({ store, running, print }) => {
          const result = await store.fsck({ ...running, repair });
          const quarantined = [...(rebuilt?.quarantined ?? []), ...result.quarantined];
          print({ ...result, ...rebuilt, quarantined }, (whole) => text(whole, rebuilt));
          const lost = [...(rebuilt?.lost ?? []), ...(rebuilt?.lostPods ?? [])];
          return result.ok && lost.length === 0 ? EXIT.done : EXIT.damage;
        },
        prepare,
      );
    });
  examples(command, [
    'cairn fsck',
    'cairn fsck --json | jq .missing',
    'cairn fsck --repair',
    'cairn fsck --rebuild-index',
  ]);
}

function text(
  { checked, missing, stray, miscounted, repaired, quarantined, reimport }: FsckResult,
  rebuilt: Rebuilt | undefined,
): string {
  const { images, layers, objects, blobs, trees, pods } = checked;
  const more = pods === 0 ? '' : `, ${pods} pods`;
  const putByHand = new Set(missing.filter(({ images: users }) => users.length === 0).map(({ id }) => id));
  const lines = [
    ...(rebuilt === undefined ? [] : rebuildLines(rebuilt)),
    ...repaired.map(({ kind, id, what, action }) => `${action}: ${kind} ${id}: ${what}`),
    ...quarantined.map((path) => `in quarantine: ${path}`),
    ...missing.map(({ kind, id, what, images: users }) => {
      const needed = users.length === 0 ? '' : `; needed by ${users.join(', ')}`;
      return `missing: ${kind} ${id}: ${what}${needed}`;
    }),
    ...stray.map((path) => `stray: ${path}`),
    ...miscounted.map((what) => `miscounted: ${what}`),
    ...reimport.map((name) => `to be ${putByHand.has(name) ? 'put' : 'imported'} again: ${name}`),
    `looked at ${images} images, ${layers} layers, ${objects} objects, ${blobs} blobs, ${trees} trees${more}: ` +
      `${missing.length} missing, ${stray.length} stray, ${miscounted.length} miscounted` +
      (repaired.length === 0 ? '' : `, ${repaired.length} mended`),
  ];
  const news = missing.some(({ awaited }) => awaited !== true) || miscounted.length > 0;
  if (news) lines.push('"cairn fsck --repair" mends what can be mended');
  return `${lines.map(printable).join('\n')}\n`;
}

function rebuildLines({ rebuilt, putBlobs, orphans, droppedTrees, lost, lostPods }: Rebuilt): string[] {
  const { images, layers, objects, blobs, pods } = rebuilt;
  return [
    ...lost.map(({ image, why }) => `lost: ${image}: ${why}`),
    ...lostPods.map(({ pod, why }) => `lost: pod ${pod}: ${why}`),
    `made the index anew: ${images} images, ${layers} layers, ${objects} objects, ${blobs} blobs; ${lost.length} lost`,
    ...(pods === 0 ? [] : [`pods are listed again: ${pods}; how those ended that were run is not known any more`]),
    ...(putBlobs === 0 ? [] : [`${putBlobs} blobs that no image names are kept as if they had been put`]),
    ...(orphans === 0 ? [] : [`${orphans} objects and documents that nothing needs are left to gc`]),
    `${droppedTrees} trees were dropped, to be rendered again; leases are gone`,
  ];
}
