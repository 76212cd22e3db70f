import type { Command } from 'commander';
import { printable } from '../../engine/bytes.js';
import type { FsckResult } from '../../engine/fsck.js';
import { examples } from '../help.js';
import { EXIT } from '../report.js';
import { withStore } from '../session.js';

export function define(command: Command): void {
  command.action((_options: object, self: Command) =>
    withStore(self, 'read', async ({ store, running, print }) => {
      const result = await store.fsck(running);
      print(result, text);
      return result.ok ? EXIT.done : EXIT.damage;
    }),
  );
  examples(command, ['cairn fsck', 'cairn fsck --json | jq .missing']);
}

function text({ checked, missing, stray, miscounted }: FsckResult): string {
  const { images, layers, objects, blobs, trees } = checked;
  const lines = [
    ...missing.map(({ kind, id, what, images: users }) => {
      const needed = users.length === 0 ? '' : `; needed by ${[...new Set(users)].join(', ')}`;
      return `missing: ${kind} ${id}: ${what}${needed}`;
    }),
    ...stray.map((path) => `stray: ${path}`),
    ...miscounted.map((what) => `miscounted: ${what}`),
    `looked at ${images} images, ${layers} layers, ${objects} objects, ${blobs} blobs, ${trees} trees: ` +
      `${missing.length} missing, ${stray.length} stray, ${miscounted.length} miscounted`,
  ];
  return `${lines.map(printable).join('\n')}\n`;
}
