/** `cairn pod prepare`: makes everything ready that a pod needs to be run. */
import type { Command } from 'commander';
import type { PreparedPod } from '../../engine/pod/prepared.js';
import { examples } from '../help.js';
import { addPullOptions, bringsImage, findOptions, type PullFlags } from '../pull.js';
import { type Globals, withStore } from '../session.js';
import { type PodSource, readPodSource } from './source.js';

export function definePrepare(command: Command): void {
  addPullOptions(command)
    .argument('<manifest-or-image...>', 'the file of a manifest ("-": standard input), or images')
    .action(async (args: string[], _options: PullFlags, self: Command) => {
      const source = await readPodSource(args, self.optsWithGlobals<Globals>());
      return withStore<PullFlags>(self, accessFor(self, source), async ({ store, options, running, print }) => {
        const pod = await store.preparePod(source, { ...running, ...findOptions(options) });
        print(describe(pod), ({ pod: id }) => `${id}\n`);
        return undefined;
      });
    });
  examples(command, [
    'cairn pod prepare pod.json',
    'cairn pod prepare example.com/app:1.0.0 example.com/sidecar',
    'pod=$(cairn pod prepare --pull never pod.json)',
  ]);
}

/** Whether a store may be made: what says where it comes from brings content into it. */
export function accessFor(self: Command, source: PodSource): 'create' | 'write' {
  return !(source instanceof Uint8Array) && bringsImage(self, ...source) ? 'create' : 'write';
}

export function describe({ id, dir, apps }: PreparedPod) {
  return {
    pod: id,
    dir,
    apps: apps.map(({ name, image, treeId, rootfs }) => ({ name, image, treeId, path: rootfs })),
  };
}
