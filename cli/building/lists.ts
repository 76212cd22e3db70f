/** Commands that add items to the lists of a working manifest, and remove them. */
import { Argument, type Command } from 'commander';
import { CairnError } from '../../engine/core/errors.js';
import { parseAppString } from '../../engine/image/aci/names.js';
import type { Edit, EditedList } from '../../engine/image/edit.js';
import type { Label } from '../../engine/image/label.js';
import { repeated } from '../config/repeated.js';
import { parseCount, parseInteger } from '../units.js';
import type { OfBuild } from './directory.js';
import { edit, type MakeEdit, readJson } from './edit.js';

const ADD = 'add';
const REMOVE = ['remove', 'rm'];

interface ListWords<O> {
  list: EditedList;
  aliases?: readonly string[];
  description: string;
  /** What follows the name when an item is added. */
  values: readonly [argument: string, help: string][];
  add: (name: string, values: readonly string[], options: O) => Edit;
}

/** `NOUN add NAME VALUE…` and `NOUN remove NAME`. */
function list<O extends OfBuild>(command: Command, words: ListWords<O>): Command {
  const { list: noun, aliases = [], description, values, add } = words;
  const sub = command
    .command(noun)
    .aliases([...aliases])
    .description(description)
    .addArgument(new Argument('<action>').choices([ADD, ...REMOVE]))
    .argument('<name>', 'of the item');
  for (const [argument, help] of values) sub.argument(`[${argument}]`, help);
  const make: MakeEdit<O> = ([action = '', name = '', ...rest], options) => {
    const isAdded = action === ADD;
    const wanted = isAdded ? values.length : 0;
    if (rest.length !== wanted) {
      const takes = [action, 'NAME', ...(isAdded ? values.map(([argument]) => argument.toUpperCase()) : [])].join(' ');
      throw new CairnError('ERR_USAGE', `incorrect number of arguments: "cairn build ${noun} ${takes}"`);
    }
    return isAdded ? add(name, rest, options) : { remove: noun, name };
  };
  return edit<O>(sub, make, (_self, [action = '', ...args]) => {
    return { words: `${noun} ${action === ADD ? ADD : REMOVE[0]}`, args };
  });
}

export function defineLists(command: Command): void {
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
