/** `cairn bundle`: makes the bundle of an image for an OCI runtime, and takes it apart. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import { addBundleOptions, type BundleFlags, bundleLines, bundleOptions, sayBundles } from '../bundle-options.js';
import { examples } from '../help.js';
import { addPullOptions, bringsImage, findOptions, type PullFlags } from '../pull.js';
import { withStore } from '../session.js';

interface Options extends BundleFlags, PullFlags {
  exec?: string;
  rm?: boolean;
}

export function define(command: Command): void {
  addPullOptions(addBundleOptions(command))
    .argument('<image>', 'with --rm, the directory of bundles')
    .argument('[dir]', 'gets config.json and rootfs')
    .argument('[command...]', "instead of the image's own; of an OCI image it replaces its Cmd")
    .option('--exec <path>', 'the program, in place of what the image says it runs')
    .option('--rm', 'remove bundles, and let go of their trees')
    .action((image: string, dir: string | undefined, args: string[], given: Options, self: Command) =>
      given.rm === true ? remove(self, image, dir) : make(self, [image, dir], args),
    );
  examples(command, [
    'cairn bundle example.com/app:1.0.0 ./app && crun run --bundle ./app app',
    'cairn bundle --rootfs copy --net host debian ./debian -- sleep 60',
    'cairn bundle --rm ./app',
  ]);
}

async function make(self: Command, [image, dir]: [string, string | undefined], args: string[]): Promise<void> {
  if (dir === undefined) throw new CairnError('ERR_USAGE', 'missing the directory that gets the bundle');
  await withStore<Options>(
    self,
    bringsImage(self, image) ? 'create' : 'write',
    async ({ store, options, running, print, say }) => {
      const { exec } = options;
      const command = args.length === 0 ? { exec } : { exec, args };
      const given = { ...running, ...bundleOptions(options), ...defined(command), ...findOptions(options) };
      const bundles = [await store.bundle(image, dir, given)];
      sayBundles(say, bundles, dir);
      print(bundles, bundleLines);
      return undefined;
    },
  );
}

async function remove(self: Command, dir: string, more: string | undefined): Promise<void> {
  if (more !== undefined) throw new CairnError('ERR_USAGE', '--rm takes one directory');
  await withStore(self, 'write', async ({ store, print }) => {
    const leases = await store.removeBundles(dir);
    print(
      leases.map(({ id, tree }) => ({ dir, lease: id, treeId: tree })),
      () => `${dir}\n`,
    );
    return undefined;
  });
}
