/** `cairn push`: pushes an image to a registry. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import { printable } from '../../engine/core/printable.js';
import type { Insecure, Pushed, PushOptions } from '../../engine/fetch/index.js';
import { examples } from '../help.js';
import { insecureOption } from '../insecure.js';
import { authfileOption } from '../pull.js';
import { withStore } from '../session.js';
import { formatSize } from '../units.js';

interface Options {
  all?: boolean;
  authfile?: string;
  insecureOptions?: Insecure[];
}

export function define(command: Command): void {
  command
    .argument('[image]', 'key, path or name')
    .argument('[ref]', 'docker://HOST/REPOSITORY[:TAG]; with --all docker://HOST/PREFIX, and no image before it')
    .option('--all', 'push all images to where stores look whose --remote it is')
    .addOption(authfileOption())
    .addOption(insecureOption(['tls', 'http']))
    .action((first: string | undefined, second: string | undefined, { all }: Options, self: Command) =>
      all === true ? pushAll(self, first, second) : pushOne(self, first, second),
    );
  examples(command, [
    'cairn push app:2.0 docker://registry.example.com/team/app:2.0',
    'cairn push --all docker://registry.example.com/images',
  ]);
}

function pushOne(command: Command, image: string | undefined, ref: string | undefined): Promise<void> {
  if (image === undefined || ref === undefined)
    throw new CairnError('ERR_USAGE', `missing required argument '${image === undefined ? 'image' : 'ref'}'`);
  return withStore<Options>(command, 'write', async ({ store, running, options, print }) => {
    print(await store.push(image, ref, { ...running, ...asked(options) }), text);
    return undefined;
  });
}

function pushAll(command: Command, ref: string | undefined, more: string | undefined): Promise<void> {
  if (ref === undefined || more !== undefined)
    throw new CairnError('ERR_USAGE', '--all takes one argument, docker://HOST/PREFIX');
  return withStore<Options>(command, 'write', async ({ store, running, options, print }) => {
    print(await store.pushAll(ref, { ...running, ...asked(options) }), (all) => all.map(text).join(''));
    return undefined;
  });
}

function asked({ authfile, insecureOptions: insecure }: Options): PushOptions {
  return defined({ authfile, insecure });
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
