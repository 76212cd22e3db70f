/** Commands that edit the working manifest of a build. */
import * as fs from 'node:fs';
import { Argument, type Command, Option } from 'commander';
import { editBuild, readDocument, type WorkingDocument } from '../../engine/build/edit.js';
import { CairnError } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { readSmallFile } from '../../engine/disk/small-file.js';
import { parseAppString } from '../../engine/image/aci/names.js';
import type { Edit, EditedList } from '../../engine/image/edit.js';
import { type JsonObject, type JsonValue, parseJson } from '../../engine/image/json.js';
import type { Label } from '../../engine/image/label.js';
import { repeated } from '../config/repeated.js';
import { print } from '../output.js';
import { parseCount, parseInteger } from '../units.js';
import { commandOf, type OfBuild, ofBuild, onBuild } from './directory.js';

export function defineEdits(command: Command): void {
  defineSets(command);
  defineLists(command);
  defineDocuments(command);
}

type Make<O> = (args: readonly string[], options: O) => Edit | Promise<Edit>;

/** A command that makes one edit of its arguments. */
function edit<O extends OfBuild>(command: Command, make: Make<O>): Command {
  return ofBuild(command).action((...given: unknown[]) => {
    const self = given.at(-1) as Command;
    const args = given
      .slice(0, -2)
      .flat()
      .filter((each) => typeof each === 'string');
    return onBuild<O>(self, async (dir, options) => {
      const words = commandOf(self, args);
      const isList = ADDED.includes(args[0] as string) || REMOVED.includes(args[0] as string);
      const told = isList
        ? { words: `${words.words} ${REMOVED.includes(args[0] as string) ? 'remove' : 'add'}`, args: args.slice(1) }
        : words;
      await editBuild(dir, [await make(args, options)], { command: told });
      return undefined;
    });
  });
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

const ADDED = ['add'];
const REMOVED = ['remove', 'rm'];

interface ListWords<O> {
  list: EditedList;
  aliases?: readonly string[];
  description: string;
  /** What follows the name when an item is added. */
  values: readonly [argument: string, help: string][];
  add: (name: string, values: readonly string[], options: O) => Edit | Promise<Edit>;
}

/** `NOUN add NAME VALUE…` and `NOUN remove NAME`. */
function list<O extends OfBuild>(command: Command, words: ListWords<O>): Command {
  const { list: noun, aliases = [], description, values, add } = words;
  const sub = command
    .command(noun)
    .aliases([...aliases])
    .description(description)
    .addArgument(new Argument('<action>').choices([...ADDED, ...REMOVED]))
    .argument('<name>', 'of the item');
  for (const [argument, help] of values) sub.argument(`[${argument}]`, help);
  return edit<O>(sub, ([action = '', name = '', ...rest], options) => {
    const isAdded = ADDED.includes(action);
    const wanted = isAdded ? values.length : 0;
    if (rest.length !== wanted) {
      const takes = [action, 'NAME', ...(isAdded ? values.map(([argument]) => argument.toUpperCase()) : [])].join(' ');
      throw new CairnError('ERR_USAGE', `incorrect number of arguments: "cairn build ${noun} ${takes}"`);
    }
    return isAdded ? add(name, rest, options) : { remove: noun, name };
  });
}

function defineLists(command: Command): void {
  for (const [noun, description, aliases] of [
    ['environment', 'Add or remove environment variables.', ['env']],
    ['label', 'Add or remove labels.', []],
    ['annotation', 'Add or remove annotations.', []],
  ] as const) {
    const add = (name: string, [value = '']: readonly string[]): Edit => ({ add: noun, name, value });
    list(command, { list: noun, aliases, description, values: [['value', 'to add']], add });
  }
  definePlaces(command);
  list(command, {
    list: 'isolator',
    description: 'Add or remove isolators of an ACI.',
    values: [['file', 'its value as JSON, - for standard input']],
    add: (name, [file = '']) => ({ add: 'isolator', name, value: readJson(file) }),
  });
  list<OfBuild & DependencyOptions>(command, {
    list: 'dependency',
    aliases: ['dep'],
    description: 'Add or remove dependencies of an ACI. The last one has the highest priority.',
    values: [],
    add: dependency,
  })
    .option('--image-id <key>', 'the key that the dependency must have')
    .option('--label <name=value>', 'a label that it must have (repeatable)', repeated(parseLabel))
    .option('--size <bytes>', 'its size', parseInteger);
}

function definePlaces(command: Command): void {
  list<OfBuild & { readOnly?: boolean }>(command, {
    list: 'mount',
    aliases: ['volume'],
    description: 'Add or remove mount points, by name or path.',
    values: [['path', 'in the image']],
    add: (name, [path = ''], { readOnly = false }) => ({ add: 'mount', name, path, readOnly }),
  }).option('--read-only', 'mount it read only (ACI)');
  list<OfBuild & { count?: number; socketActivated?: boolean }>(command, {
    list: 'port',
    description: 'Add or remove ports, by name or number.',
    values: [
      ['protocol', 'tcp or udp'],
      ['port', 'its number'],
    ],
    add: (name, [protocol = '', port = ''], { count = 1, socketActivated = false }) => ({
      add: 'port',
      name,
      protocol,
      port: portOf(port),
      count,
      socketActivated,
    }),
  })
    .option('--count <n>', 'a range of so many ports (ACI)', parseCount)
    .option('--socket-activated', 'the app gets the open socket (ACI)');
}

interface DependencyOptions {
  imageId?: string;
  label?: Label[];
  size?: number;
}

function dependency(text: string, _values: readonly string[], { imageId, label = [], size }: DependencyOptions): Edit {
  const { name, labels } = parseAppString(text);
  const twice = labels.find((each) => label.some((other) => other.name === each.name));
  if (twice !== undefined) throw new CairnError('ERR_USAGE', `multiple ${twice.name} labels specified`);
  return {
    add: 'dependency',
    name,
    labels: [...label, ...labels],
    ...(imageId === undefined ? {} : { imageID: imageId }),
    ...(size === undefined ? {} : { size }),
  };
}

function parseLabel(text: string, before: Label[] = []): Label[] {
  const equals = text.indexOf('=');
  if (equals < 0) throw new CairnError('ERR_USAGE', `no '=' character in ${JSON.stringify(text)}`);
  return [...before, { name: text.slice(0, equals), value: text.slice(equals + 1) }];
}

function portOf(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new CairnError('ERR_USAGE', 'port must be a positive number between 0 and 65535');
}

function readJson(file: string): JsonValue {
  const { maxManifest } = DEFAULT_LIMITS;
  const bytes = file === '-' ? fs.readFileSync(0) : readSmallFile(file, maxManifest);
  if (bytes === undefined) throw new CairnError('ERR_NOT_FOUND', `no such file or directory: ${file}`, { path: file });
  return parseJson(bytes, file, { maxManifest });
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
