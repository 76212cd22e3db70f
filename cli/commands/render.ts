/** `cairn render`: makes the root file systems of images. */
import { type Command, Option } from 'commander';
import { defined } from '../../engine/core/defined.js';
import type { TreeMode } from '../../engine/index/records.js';
import type { OpenOptions } from '../../engine/session/open.js';
import type { Rendered } from '../../engine/tree/options.js';
import { examples } from '../help.js';
import { addPullOptions, bringsImage, findOptions, type PullFlags } from '../pull.js';
import { type Session, withStore } from '../session.js';
import { saySkipped } from '../skipped.js';

/** People write to what they find on a terminal; programs have read the manual. */
const SHARED = 'the files of this tree are shared: read them only; "cairn checkout" makes a tree to write to';

interface Options extends PullFlags {
  mode?: TreeMode;
  rebuild?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<image...>')
    .addOption(
      new Option('--mode <mode>', 'how files get their content, or mount for a tree that the kernel mounts').choices([
        'mount',
        'link',
        'reflink',
        'copy',
      ]),
    )
    .option('--rebuild', 'make the tree anew even if it is there');
  addPullOptions(command).action((images: string[], _options: Options, self: Command) => {
    const work = async ({ store, options, running, print, say }: Session<Options>): Promise<undefined> => {
      const { mode, rebuild } = options;
      const results: Rendered[] = [];
      for (const image of images) {
        const rendered = await store.render(image, {
          ...running,
          ...findOptions(options),
          ...defined({ mode, rebuild }),
        });
        if (!rendered.existed) saySkipped(say, rendered.skipped);
        results.push(rendered);
      }
      if (process.stderr.isTTY && results.some((each) => each.mode === 'link')) say(SHARED);
      print(results, (all) => all.map(({ path }) => `${path}\n`).join(''));
      return undefined;
    };
    const brings = bringsImage(self, ...images);
    // An archive's import needs threads at once; a tree that is there needs none.
    const prepare = async (opening: OpenOptions): Promise<OpenOptions> => ({
      ...opening,
      startWorkers: brings,
    });
    return withStore<Options>(self, brings ? 'create' : 'write', work, prepare);
  });
  examples(command, [
    'cairn render example.com/app:1.0.0',
    'root=$(cairn render ./app.aci)',
    'cairn render --rebuild --mode copy example.com/app',
    'cairn render --pull always docker://registry.example.com/team/app:2.0',
  ]);
}
