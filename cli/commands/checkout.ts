/** `cairn checkout`: makes a private tree outside the store. */
import { type Command, Option } from 'commander';
import { defined } from '../../engine/core/defined.js';
import type { RenderMode } from '../../workers/tasks/render.js';
import { examples } from '../help.js';
import { addPullOptions, bringsImage, findOptions, type PullFlags } from '../pull.js';
import { withStore } from '../session.js';
import { saySkipped } from '../skipped.js';
import { parseInteger } from '../units.js';

interface Options extends PullFlags {
  mode?: RenderMode;
  rootfsOnly?: boolean;
  force?: boolean;
  uidShift?: number;
}

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument('<dir>', 'gets manifest and rootfs')
    .addOption(
      new Option('--mode <mode>', 'how files get their content (default: reflink, else copy)').choices([
        'reflink',
        'copy',
        'link',
      ]),
    )
    .option('--rootfs-only', 'the root file system itself at DIR')
    .option('--force', 'replace what is there')
    .option('--uid-shift <n>', 'add to every uid and gid', parseInteger);
  addPullOptions(command).action((image: string, dir: string, _options: Options, self: Command) =>
    withStore<Options>(
      self,
      bringsImage(self, image) ? 'create' : 'write',
      async ({ store, options, running, print, say }) => {
        const { mode, rootfsOnly, force, uidShift } = options;
        const result = await store.checkout(image, dir, {
          ...running,
          ...findOptions(options),
          ...defined({ mode, rootfsOnly, force, uidShift }),
        });
        saySkipped(say, result.skipped);
        print([result], ([only]) => `${only?.path}\n`);
        return undefined;
      },
    ),
  );
  examples(command, [
    'cairn checkout example.com/app:1.0.0 ./bundle',
    'cairn checkout --rootfs-only --uid-shift 100000 example.com/app /var/lib/machines/app',
  ]);
}
