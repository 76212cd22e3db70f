/** Commands that edit the working manifest of a build. */
import { Argument, type Command, Option } from 'commander';
import { readDocument, type WorkingDocument } from '../../engine/build/edit.js';
import { CairnError } from '../../engine/core/errors.js';
import type { JsonObject } from '../../engine/image/json.js';
import { print } from '../output.js';
import { parseInteger } from '../units.js';
import { type OfBuild, ofBuild, onBuild } from './directory.js';
import { edit, readJson } from './edit.js';
import { defineLists } from './lists.js';

export function defineEdits(command: Command): void {
  defineSets(command);
  defineLists(command);
  defineDocuments(command);
}

function defineSets(command: Command): void {
  const sub = (name: string, description: string): Command => command.command(name).description(description);
  const commandHelp = 'after --, so that its own options are left alone';
  edit(sub('set-exec', 'Set the command that the image runs.').argument('<word...>', commandHelp), (value) => ({
    set: 'exec',
    value,
  }));
  edit(sub('set-entrypoint', 'Set the entry point of an OCI image.').argument('<word...>', commandHelp), (value) => ({
    set: 'entrypoint',
    value,
  }));
  edit(sub('set-cmd', 'Set the default arguments of an OCI image.').argument('<word...>', commandHelp), (value) => ({
    set: 'cmd',
    value,
  }));
  edit(sub('set-user', 'Set the user that the app runs as.').argument('<user>'), ([value = '']) => ({
    set: 'user',
    value,
  }));
  edit(sub('set-group', 'Set the group that the app runs as.').argument('<group>'), ([value = '']) => ({
    set: 'group',
    value,
  }));
  edit(sub('set-name', 'Set the name of an ACI.').argument('<aci-name>'), ([value = '']) => ({ set: 'name', value }));
  edit(
    sub('set-working-directory', 'Set the directory that the app runs in.')
      .alias('set-working-dir')
      .argument('<path>', 'in the image'),
    ([value = '']) => ({ set: 'working-directory', value }),
  );
  edit(
    sub('set-supplementary-gids', 'Set further groups of the app, by number.')
      .aliases(['set-supp-groups', 'set-supp-gids'])
      .argument('<gid...>'),
    (gids) => ({ set: 'supplementary-gids', value: gids.map(parseInteger) }),
  );
  edit(
    sub('set-event-handler', 'Set what runs before the app starts, or after it stops.')
      .alias('set-eh')
      .addArgument(new Argument('<event>').choices(['pre-start', 'post-stop']))
      .argument('<word...>', commandHelp),
    ([name = '', ...value]) => ({ set: 'event-handler', name, value }),
  );
  edit(sub('set-stop-signal', 'Set the signal that stops an OCI image.').argument('<signal>'), ([value = '']) => ({
    set: 'stop-signal',
    value,
  }));
}

interface CatOptions extends OfBuild {
  file?: WorkingDocument;
  pretty?: boolean;
}

function defineDocuments(command: Command): void {
  edit(
    command
      .command('replace-manifest')
      .description('Replace the manifest of an ACI, or the configuration of an OCI image.')
      .argument('<file>', 'JSON, - for standard input'),
    ([file = '']) => {
      const replace = readJson(file);
      if (typeof replace === 'object' && replace !== null && !Array.isArray(replace))
        return { replace: replace as JsonObject };
      throw new CairnError('ERR_BAD_MANIFEST', 'must be an object', { path: file });
    },
  );
  ofBuild(
    command.command('cat-manifest').description('Print the working manifest, or the configuration of an OCI image.'),
  )
    .option('--pretty', 'with indentation')
    .addOption(new Option('--file <document>', 'of an OCI image (default: config)').choices(['manifest', 'config']))
    .action((_options: CatOptions, self: Command) =>
      onBuild<CatOptions>(self, async (dir, { file, pretty, json }) => {
        const document = JSON.parse(readDocument(dir, file).toString()) as unknown;
        if (json !== true) print(`${JSON.stringify(document, undefined, pretty === true ? 4 : undefined)}\n`);
        return document;
      }),
    );
}
