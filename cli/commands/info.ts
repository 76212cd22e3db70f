/** `cairn info`: shows what this machine can, and what the store is. */
import type { Command } from 'commander';
import { printable } from '../../engine/core/printable.js';
import type { StoreInfo } from '../../engine/inspect/info.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { formatSize } from '../units.js';

export function define(command: Command): void {
  command.action((_options: object, self: Command) =>
    withStore(self, 'read', async ({ store, print }) => {
      print(await store.info(), text);
      return undefined;
    }),
  );
  examples(command, ['cairn info', 'cairn info --json | jq .modes']);
}

function text(info: StoreInfo): string {
  const { dir, layout, format, images, trees, kernel, fileSystem, node, workers, noSystemCalls, modes, cannotSet } =
    info;
  const lines = [
    ['store', `${dir} (format ${format}, ${layout}, ${images} images, ${trees} trees)`],
    [
      'file system',
      fileSystem === null
        ? 'not known'
        : `${fileSystem.type} at ${fileSystem.mountPoint}, ${formatSize(fileSystem.freeBytes)} free`,
    ],
    ['kernel', kernel],
    ['node', `${node}, ${workers} worker threads`],
    ['system calls', noSystemCalls === undefined ? 'direct' : `by helper programs: ${noSystemCalls}`],
    ...Object.entries(modes).map(([mode, { ok, why }]) => [`mode ${mode}`, ok ? 'works' : `does not work: ${why}`]),
    ...cannotSet.map((what) => ['cannot set', what]),
  ];
  const width = Math.max(...lines.map(([name = '']) => name.length));
  return lines.map(([name = '', value]) => `${printable(`${name.padEnd(width)}  ${value}`)}\n`).join('');
}
