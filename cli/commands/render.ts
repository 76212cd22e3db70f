import { type Command, Option } from 'commander';
import type { Rendered } from '../../engine/render.js';
import type { RenderMode } from '../../workers/protocol.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { saySkipped } from '../skipped.js';

interface Options {
  mode?: RenderMode;
  rebuild?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<image...>')
    .addOption(new Option('--mode <mode>', 'how files get their content').choices(['link', 'reflink', 'copy']))
    .option('--rebuild', 'make the tree anew even if it is there')
    .action((images: string[], _options: Options, self: Command) =>
      withStore<Options>(self, 'write', async ({ store, options, running, print, say }) => {
        const { mode, rebuild } = options;
        const results: Rendered[] = [];
        for (const image of images) {
          const rendered = await store.render(image, {
            ...running,
            ...(mode === undefined ? {} : { mode }),
            ...(rebuild === undefined ? {} : { rebuild }),
          });
          if (!rendered.existed) saySkipped(say, rendered.skipped);
          results.push(rendered);
        }
        print(results, (all) => all.map(({ path }) => `${path}\n`).join(''));
        return undefined;
      }),
    );
  examples(command, [
    'cairn render example.com/app:1.0.0',
    'root=$(cairn render ./app.aci)',
    'cairn render --rebuild --mode copy example.com/app',
  ]);
}
