/** `cairn cp`: copies a file or a directory out of an image. */
import type { Command } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { saySkipped } from '../skipped.js';

interface Options {
  followLink?: boolean;
  force?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<image:path>', 'the path begins after ":/", else after the last colon')
    .argument('<dest>', 'an existing directory to copy into, or the path to give')
    .option('-L, --follow-link', 'copy what a symlink at the end of the path leads to')
    .option('-f, --force', 'replace what is there')
    .action((source: string, dest: string, _options: Options, self: Command) =>
      withStore<Options>(self, 'read', async ({ store, options, running, print, say }) => {
        const { image, path } = splitSource(source);
        const { followLink, force } = options;
        const copied = await store.cp(image, path, dest, { ...running, ...defined({ followLink, force }) });
        saySkipped(say, copied.skipped);
        print(copied, (result) => `${result.path}\n`);
        return undefined;
      }),
    );
  examples(command, ['cairn cp app:2.0:/etc/os-release .', 'cairn cp sha512-3f1c:usr/share/doc ./doc']);
}

function splitSource(source: string): { image: string; path: string } {
  const absolute = source.search(/:\/(?!\/)/);
  const colon = absolute > 0 ? absolute : source.lastIndexOf(':');
  if (colon > 0 && colon < source.length - 1) return { image: source.slice(0, colon), path: source.slice(colon + 1) };
  throw new CairnError('ERR_USAGE', `${JSON.stringify(source)} is not IMAGE:PATH`);
}
