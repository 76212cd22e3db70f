/** The options of commands that make bundles, and what they tell of the result. */
import { type Command, Option } from 'commander';
import { defined } from '../engine/core/defined.js';
import type { BundleOptions, HeldBundle } from '../engine/pod/index.js';

export type BundleFlags = Pick<BundleOptions, 'rootfs' | 'hostname'> & { net?: BundleOptions['network'] };

export function addBundleOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--rootfs <kind>', 'how the root is made (default: overlay as root, else reflink or copy)').choices([
        'overlay',
        'copy',
        'reflink',
      ]),
    )
    .addOption(new Option('--net <kind>', 'a network of its own, or the host’s').choices(['none', 'host']))
    .option('--hostname <name>', 'the host’s name inside');
}

export function bundleOptions({ rootfs, net, hostname }: BundleFlags): BundleOptions {
  return defined({ rootfs, network: net, hostname });
}

export function sayBundles(say: (message: string) => void, bundles: readonly HeldBundle[], dir: string): void {
  if (bundles.some(({ lease }) => lease !== undefined)) {
    say(`the tree below the overlay is held until "cairn bundle --rm ${dir}"`);
  }
  for (const { overlay, rootfs, dir: bundle } of bundles) {
    if (overlay === undefined) continue;
    const { lower, upper, work } = overlay;
    const options = `userxattr,lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    say('only you can see such an overlay, so mount it when you run the bundle:');
    say(`unshare -Urm sh -c 'mount -t overlay -o ${options} x ${rootfs} && crun run --bundle ${bundle} app'`);
  }
}

export function bundleLines(bundles: readonly HeldBundle[]): string {
  return bundles.map(({ dir }) => `${dir}\n`).join('');
}
