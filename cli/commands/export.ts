/** `cairn export`: writes an image to a file or a directory. */
import { type Command, Option } from 'commander';
import { defined } from '../../engine/core/defined.js';
import { CairnError } from '../../engine/core/errors.js';
import type { Exported, ExportFormat } from '../../engine/export/export.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { saySkipped } from '../skipped.js';
import { refuseTerminal } from '../terminal.js';
import { formatSize } from '../units.js';

interface Options {
  format?: ExportFormat;
  compress?: 'none' | 'gzip' | 'zstd';
  diffFrom?: string;
  force?: boolean;
}

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument(
      '<file>',
      'where to, or - for standard output; NAME.tar, .tar.gz, .tgz, .tar.zst and .aci are archives, .erofs is a file system, else OCI layouts are directories',
    )
    .addOption(
      new Option('--format <format>', "as what (default: the image's own format)").choices([
        'aci',
        'oci',
        'docker',
        'tar',
        'erofs',
      ]),
    )
    .addOption(
      new Option('--compress <compression>', 'how to compress it, or the layers of a layout (default: not)').choices([
        'none',
        'gzip',
        'zstd',
      ]),
    )
    .option('--diff-from <base>', "one OCI layer that makes the image's tree out of that of another")
    .option('--force', 'replace a file that is there')
    .action((image: string, file: string, _options: Options, self: Command) =>
      withStore<Options>(self, 'read', async ({ store, options, running, print, say }) => {
        refuseTerminal(file);
        const { diffFrom, compress, force } = options;
        const format = options.format ?? (diffFrom === undefined ? undefined : 'oci');
        if (diffFrom !== undefined && format !== 'oci' && format !== 'docker')
          throw new CairnError('ERR_USAGE', '--diff-from makes a layer, for --format oci or docker');
        const base = diffFrom === undefined ? undefined : await store.resolve(diffFrom, running);
        const result = await store.export(image, file, { ...running, ...defined({ format, compress, base, force }) });
        const asKept = format === undefined && compress === undefined;
        saySkipped(say, result.skipped ?? {});
        if (file !== '-') print(result, (exported) => text(exported, asKept));
        return undefined;
      }),
    );
  examples(command, [
    'cairn export example.com/app:1.0.0 app.aci',
    'cairn export --format tar example.com/app - | tar tv',
    'cairn export --compress gzip sha512-3f1c app.aci.gz',
    'cairn export --format oci --compress zstd app:2.0 ./layout',
    'cairn export --format docker app:2.0 - | docker load',
    'cairn export app:2.0 app.erofs',
    'cairn export --diff-from app:1.0 app:2.0 update.tar',
  ]);
}

/** @param asKept whether archives that were kept would have been written as they came */
function text({ key, digest, size, original }: Exported, asKept: boolean): string {
  const hint = asKept ? ', which takes "cairn import --keep-archive"' : '';
  const same = original ? 'as it was imported' : `not the digest that it was imported with${hint}`;
  return `${key}  ${formatSize(size)}\n${digest === undefined ? '' : `${digest}  ${same}\n`}`;
}
