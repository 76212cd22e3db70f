/** `cairn push`: pushes an image to a registry. */
import type { Command } from 'commander';
import { printable } from '../../engine/core/printable.js';
import type { Pushed } from '../../engine/fetch/index.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { formatSize } from '../units.js';

export function define(command: Command): void {
  command
    .argument('<image>', 'key, path or name')
    .argument('<ref>', 'docker://HOST/REPOSITORY[:TAG]')
    .action((image: string, ref: string, _options: object, self: Command) =>
      withStore(self, 'write', async ({ store, running, print }) => {
        print(await store.push(image, ref, running), text);
        return undefined;
      }),
    );
  examples(command, ['cairn push app:2.0 docker://registry.example.com/team/app:2.0']);
}

function text({ ref, digest, pushedBytes, mountedBytes, presentBytes, original }: Pushed): string {
  const parts = [
    `${formatSize(pushedBytes)} pushed`,
    ...(mountedBytes === 0 ? [] : [`${formatSize(mountedBytes)} mounted`]),
    ...(presentBytes === 0 ? [] : [`${formatSize(presentBytes)} were there`]),
    ...(original ? [] : ['not the digest that it was imported with']),
  ];
  return `${printable(`${digest}  ${ref}  ${parts.join(', ')}`)}\n`;
}
