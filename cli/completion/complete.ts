/**
 * `cairn __complete WORDS…`: what the word under the cursor, the last one, can become, one candidate a line. Shells ask
 * while somebody types, so that it never fails and says nothing on any error, and makes no store.
 */
import type { Command } from 'commander';
import type { CommandEntry } from '../command.js';
import { survey } from '../config/apply.js';
import type { Scope } from '../config/check.js';
import { defineCommand, programOf } from '../definition.js';
import { type Globals, storeDir } from '../session.js';
import { candidatesIn } from './candidates.js';
import { readTyped, type Typed } from './typed.js';
import { allWordsOf, type CommandWords, wordsOf } from './words.js';

/** The name by which the scripts ask. */
export const COMPLETE = '__complete';

/** Letters that mean nothing to any shell: what a store names is typed into command lines. */
const HARMLESS = /^[\w.,:@/+=~-]+$/;

/** @returns candidates that begin with what is typed */
export async function complete(words: readonly string[], commands: readonly CommandEntry[]): Promise<string[]> {
  try {
    const word = words.at(-1) ?? '';
    const all = await candidatesFor(words, commands);
    return [...new Set(all)].filter((each) => each.startsWith(word) && HARMLESS.test(each));
  } catch {
    return [];
  }
}

async function candidatesFor(words: readonly string[], commands: readonly CommandEntry[]): Promise<string[]> {
  const program = programOf('', false);
  const own = wordsOf(program, '');
  const command = await commandAmong(program, words, commands);
  const known = command === undefined ? [] : allWordsOf(command);
  const find = (path: string): CommandWords | undefined => {
    const [first = '', sub] = path.split(' ');
    if (command === undefined || (command.name() !== first && !command.aliases().includes(first))) return undefined;
    return known.find((each) => each.path === [command.name(), ...(sub === undefined ? [] : [sub])].join(' '));
  };
  const subcommands = (path: string): string[] =>
    path !== '' && find(path)?.path === command?.name() ? (command?.commands ?? []).map((sub) => sub.name()) : [];
  const typed = readTyped(words, { options: own.options, find, subcommands });
  const { wanted, path } = typed;
  switch (wanted.what) {
    case 'command':
      return commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]).concat('help');
    case 'subcommand':
      return subcommands(path);
    case 'option': {
      const shown = [...(find(path)?.options ?? []), ...own.options].filter(({ hidden }) => !hidden);
      return shown.map(({ flags }) => flags[0] as string);
    }
    case 'value': {
      if (path === 'help' || wanted.values.kind === 'command') return commands.map(({ name }) => name);
      const word = (words.at(-1) ?? '').slice(wanted.before.length);
      const values = await candidatesIn(await storeOf(typed, { program, commands }), wanted.values, word);
      const others = wanted.orSubcommand === true ? subcommands(path) : [];
      return [...others, ...values.map((value) => `${wanted.before}${value}`)];
    }
  }
}

/** The command that is being typed, so that not all are loaded. A value that is called as one does no harm. */
async function commandAmong(
  program: Command,
  words: readonly string[],
  commands: readonly CommandEntry[],
): Promise<Command | undefined> {
  const { path } = readTyped(words, {
    options: wordsOf(program, '').options,
    find: () => undefined,
    subcommands: () => [],
  });
  const entry = commands.find(({ name, aliases = [] }) => name === path || aliases.includes(path));
  return entry === undefined ? undefined : defineCommand(program, entry, commands);
}

async function storeOf({ given }: Typed, scope: Scope): Promise<string> {
  const { program } = scope;
  for (const name of ['store', 'config']) {
    const value = given.get(`--${name}`);
    if (value !== undefined) program.setOptionValueWithSource(name, value, 'cli');
  }
  await survey([program], scope);
  return storeDir(program.opts<Globals>());
}
