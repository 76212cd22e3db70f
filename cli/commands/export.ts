import { type Command, Option } from 'commander';
import { CairnError } from '../../engine/errors.js';
import type { ExportFormat } from '../../engine/export.js';
import type { OutputCompression } from '../../workers/protocol.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { formatSize } from '../units.js';

interface Options {
  format: ExportFormat | 'oci' | 'docker';
  compress: OutputCompression;
}

export function define(command: Command): void {
  command
    .argument('<image>')
    .argument('<file>', 'where to, or - for standard output')
    .addOption(
      new Option('--format <format>', "the image's own archive, or its merged tree")
        .choices(['aci', 'tar', 'oci', 'docker'])
        .default('aci'),
    )
    .addOption(
      new Option('--compress <compression>', 'how to compress it').choices(['none', 'gzip', 'zstd']).default('none'),
    )
    .action((image: string, file: string, _options: Options, self: Command) =>
      withStore<Options>(self, 'read', async ({ store, options, running, print }) => {
        const { format, compress } = options;
        if (format === 'oci' || format === 'docker')
          throw new CairnError('ERR_UNSUPPORTED', `--format ${format} is not supported for an ACI`);
        const result = await store.export(image, file, { ...running, format, compress });
        if (file !== '-') print(result, ({ key, size }) => `${key}  ${formatSize(size)}\n`);
        return undefined;
      }),
    );
  examples(command, [
    'cairn export example.com/app:1.0.0 app.aci',
    'cairn export --format tar example.com/app - | tar tv',
    'cairn export --compress gzip sha512-3f1c app.aci.gz',
  ]);
}
