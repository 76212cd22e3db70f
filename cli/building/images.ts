/** Commands that make images: of a build, of a directory, and of an image of the other format. */
import { type Command, Option } from 'commander';
import type { ConvertOptions } from '../../engine/build/convert.js';
import type { FromDirectoryOptions } from '../../engine/build/from-directory.js';
import type { WriteOptions, Written } from '../../engine/build/writing.js';
import { defined } from '../../engine/core/defined.js';
import { withStore } from '../session.js';
import { formatSize } from '../units.js';
import { dirOf, type OfBuild, ofBuild } from './directory.js';

interface WriteFlags extends OfBuild {
  name?: string;
  layer?: boolean;
  squash?: boolean;
  format?: WriteOptions['format'];
  thorough?: boolean;
  compress?: WriteOptions['compress'];
  force?: boolean;
  latest?: boolean;
  createdBy?: string;
  comment?: string;
}

const formats = (text: string): Option => new Option('--format <format>', text).choices(['aci', 'oci']);

export function defineImages(command: Command): void {
  defineWrite(command);
  command
    .command('from-dir')
    .description('Import a directory: a root file system, or an ACI that is unpacked.')
    .argument('<dir>')
    .option('--name <name>', 'NAME[:VERSION]')
    .addOption(formats('what to make (default: aci)'))
    .option('--owner-root', 'give all files to root')
    .option('--latest', 'mark as the latest of its name')
    .action((dir: string, _options: FromDirectoryOptions, self: Command) =>
      withStore<FromDirectoryOptions>(self, 'create', async ({ store, options, running, print }) => {
        const { name, format, ownerRoot, latest } = options;
        print(
          await store.importDirectory(dir, { ...running, ...defined({ name, format, ownerRoot, latest }) }),
          lineOfWritten,
        );
        return undefined;
      }),
    );
  command
    .command('convert')
    .description('Make an image of the other format that has the same tree.')
    .argument('<image>')
    .addOption(formats('what to make (default: what the image is not)'))
    .option('--name <name>', 'NAME[:VERSION] of the new image (default: that of the old one)')
    .action((image: string, _options: ConvertOptions, self: Command) =>
      withStore<ConvertOptions>(self, 'create', async ({ store, options, running, print }) => {
        const { format, name } = options;
        const made = await store.convert(image, { ...running, ...defined({ format, name }) });
        print(made, ({ key, names }) => `${key}  ${names.join(', ')}\n`);
        return undefined;
      }),
    );
}

function defineWrite(command: Command): void {
  ofBuild(command.command('write').description('Make an image of the build, in the store or in a file.'))
    .argument(
      '[file]',
      'an archive (.aci, .tar, …), a directory for a layout of an OCI image, or - for standard output',
    )
    .option('--name <name>', 'NAME[:VERSION]; without FILE the image goes to the store')
    .addOption(new Option('--layer', 'only what has changed, on top of the image it began with').conflicts('squash'))
    .option('--squash', 'one layer with all there is, dependencies too')
    .addOption(formats("what to make (default: the build's)"))
    .option('--thorough', 'hash every file, whatever its times say')
    .addOption(
      new Option('--compress <how>', 'of the archive, or of the layers in a layout').choices(['none', 'gzip', 'zstd']),
    )
    .option('--force', 'replace a file that is there')
    .option('--latest', 'mark as the latest of its name')
    .option('--created-by <text>', "what an OCI image's history says of this step")
    .option('--comment <text>', 'a comment in that history')
    .action((file: string | undefined, _options: WriteFlags, self: Command) =>
      withStore<WriteFlags>(self, 'create', async ({ store, options, running, print }) => {
        const { name, layer, squash, format, thorough, compress, force, latest, createdBy, comment } = options;
        const as = layer === true ? 'layer' : squash === true ? 'squash' : undefined;
        const given = { file, name, as, format, thorough, compress, force, latest, createdBy, comment } as const;
        const written = await store.writeBuild(dirOf(options), { ...running, ...defined(given) });
        if (file !== '-') print(written, lineOfWritten);
        return undefined;
      }),
    );
}

function lineOfWritten({ key, name, size, existed, file }: Written): string {
  const where = file ?? (existed ? `${name} (was here)` : name);
  return `${key}  ${formatSize(size)}  ${where}\n`;
}
