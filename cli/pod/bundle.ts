/** `cairn pod bundle`: makes the bundles of a prepared pod for an OCI runtime. */
import type { Command } from 'commander';
import { addBundleOptions, type BundleFlags, bundleLines, bundleOptions, sayBundles } from '../bundle-options.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';

export function defineBundle(command: Command): void {
  addBundleOptions(command)
    .argument('<pod>', 'its UUID, or the beginning of that')
    .argument('<dir>', 'gets a bundle for each app, called as the app is')
    .action((pod: string, dir: string, _options: BundleFlags, self: Command) =>
      withStore<BundleFlags>(self, 'write', async ({ store, options, running, print, say }) => {
        const bundles = await store.bundlePod(pod, dir, { ...running, ...bundleOptions(options) });
        sayBundles(say, bundles, dir);
        print(bundles, bundleLines);
        return undefined;
      }),
    );
  examples(command, ['cairn pod bundle 7d0f ./pod && crun run --bundle ./pod/web web', 'cairn bundle --rm ./pod']);
}
