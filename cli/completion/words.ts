/** Words that a shell can complete: commands, options, and what goes where a value is wanted. */
import type { Argument, Command, Option } from 'commander';
import { EDITED_LISTS } from '../../engine/image/edit.js';

/**
 * What a value is. `image` may also be a file, an archive. Words come from a list. Where it is `nothing`, there is
 * nothing to offer.
 */
export type Kind =
  | 'image'
  | 'name'
  | 'reference'
  | 'tree'
  | 'lease'
  | 'pod'
  | 'blob'
  | 'trusted key'
  | 'command'
  | 'image path'
  | 'file'
  | 'directory'
  | 'words'
  | 'nothing';

export interface Values {
  kind: Kind;
  words?: readonly string[];
}

export interface OptionWords {
  flags: readonly string[];
  text: string;
  hidden: boolean;
  /** Absent for an option that takes no value. */
  takes?: Values;
}

/** One command or subcommand. */
export interface CommandWords {
  /** `import`, `tree ls`; empty for the program. */
  path: string;
  aliases: readonly string[];
  summary: string;
  options: readonly OptionWords[];
  takes: readonly Values[];
  /** Whether more may follow, of the last kind. */
  variadic: boolean;
}

/** Arguments whose names mean something else elsewhere. */
const OF_COMMAND: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(EDITED_LISTS.map((list) => [`build ${list} name`, 'nothing'])),
  'build copy path': 'nothing',
  'ls name': 'reference',
  'tree rm id': 'tree',
  'lease rm id': 'lease',
  'backup dest': 'directory',
  'bundle command': 'nothing',
  'run command': 'nothing',
  'pod run args': 'nothing',
  'pod run manifest-or-image': 'image',
  'pod prepare manifest-or-image': 'image',
  'trust add key': 'file',
  'trust review key': 'file',
  'trust rm fingerprint': 'trusted key',
  'umount dir-or-tree': 'tree',
};

const OF_ARGUMENT: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(
    ['word', 'user', 'group', 'aci-name', 'gid', 'signal', 'value', 'protocol', 'port'].map((name) => [
      name,
      'nothing',
    ]),
  ),
  image: 'image',
  a: 'image',
  b: 'image',
  'image-or-id': 'tree',
  'image-or-tree': 'tree',
  tree: 'tree',
  name: 'name',
  'image:path': 'image path',
  key: 'blob',
  command: 'command',
  path: 'nothing',
  pod: 'pod',
  host: 'nothing',
  ref: 'nothing',
  dir: 'directory',
};

const OF_OPTION: Readonly<Record<string, Kind>> = {
  file: 'file',
  dir: 'directory',
  bundle: 'directory',
  base: 'image',
  image: 'image',
};

/** Commander has it, but not among the options of a command. */
const HELP: OptionWords = { flags: ['--help', '-h'], text: 'show help', hidden: false };

export function wordsOf(command: Command, path: string): CommandWords {
  const { registeredArguments } = command;
  return {
    path,
    aliases: command.aliases(),
    summary: command.summary() || command.description(),
    options: [...command.options.map(optionWords), ...(path === '' ? [HELP] : [])],
    takes: registeredArguments.map((argument) => argumentValues(path, argument)),
    variadic: registeredArguments.at(-1)?.variadic === true,
  };
}

/** A command and its subcommands. */
export function allWordsOf(command: Command): CommandWords[] {
  const name = command.name();
  return [wordsOf(command, name), ...command.commands.map((sub) => wordsOf(sub, `${name} ${sub.name()}`))];
}

function argumentValues(path: string, argument: Argument): Values {
  if (argument.argChoices !== undefined) return { kind: 'words', words: argument.argChoices };
  const name = argument.name();
  return { kind: OF_COMMAND[`${path} ${name}`] ?? OF_ARGUMENT[name] ?? 'file' };
}

function optionWords({ long, short, flags, description, hidden, required, optional, argChoices }: Option): OptionWords {
  const own = { flags: [long, short].filter((flag) => flag !== undefined), text: description, hidden };
  if (!required && !optional) return own;
  if (argChoices !== undefined) return { ...own, takes: { kind: 'words', words: argChoices } };
  const placeholder = /[<[]([^>\].]+)/.exec(flags)?.[1] ?? '';
  return { ...own, takes: { kind: OF_OPTION[placeholder] ?? 'nothing' } };
}
