import type { Command } from 'commander';
import { printable } from '../../engine/bytes.js';
import type { FsckResult } from '../../engine/fsck.js';
import { examples } from '../help.js';
import { EXIT } from '../report.js';
import { withStore } from '../session.js';

interface Options {
  repair?: boolean;
}

export function define(command: Command): void {
  command
    .option('--repair', 'hash everything, quarantine what is damaged, mend what can be mended')
    .action((options: Options, self: Command) =>
      withStore<Options>(self, options.repair === true ? 'write' : 'read', async ({ store, running, print }) => {
        const result = await store.fsck({ ...running, repair: options.repair === true });
        print(result, text);
        return result.ok ? EXIT.done : EXIT.damage;
      }),
    );
  examples(command, ['cairn fsck', 'cairn fsck --json | jq .missing', 'cairn fsck --repair']);
}

function text({ checked, missing, stray, miscounted, repaired, quarantined, reimport }: FsckResult): string {
  const { images, layers, objects, blobs, trees } = checked;
  const putByHand = new Set(missing.filter(({ images: users }) => users.length === 0).map(({ id }) => id));
  const lines = [
    ...repaired.map(({ kind, id, what, action }) => `${action}: ${kind} ${id}: ${what}`),
    ...quarantined.map((path) => `in quarantine: ${path}`),
    ...missing.map(({ kind, id, what, images: users }) => {
      const needed = users.length === 0 ? '' : `; needed by ${users.join(', ')}`;
      return `missing: ${kind} ${id}: ${what}${needed}`;
    }),
    ...stray.map((path) => `stray: ${path}`),
    ...miscounted.map((what) => `miscounted: ${what}`),
    ...reimport.map((name) => `to be ${putByHand.has(name) ? 'put' : 'imported'} again: ${name}`),
    `looked at ${images} images, ${layers} layers, ${objects} objects, ${blobs} blobs, ${trees} trees: ` +
      `${missing.length} missing, ${stray.length} stray, ${miscounted.length} miscounted` +
      (repaired.length === 0 ? '' : `, ${repaired.length} mended`),
  ];
  const news = missing.some(({ awaited }) => awaited !== true) || miscounted.length > 0;
  if (news) lines.push('"cairn fsck --repair" mends what can be mended');
  return `${lines.map(printable).join('\n')}\n`;
}
