/**
 * Commands whose arguments describe the apps of a pod: `IMAGE OPTIONS -- ARGS --- IMAGE …`. Commander knows neither the
 * arguments of apps, nor which option follows which image. It reads what is not between `--` and `---`, so that help,
 * hints and global options are as everywhere; what describes apps is taken from the command line as it was typed.
 */
import type { Command, Option } from 'commander';

const BEGIN_ARGS = '--';
const END_ARGS = '---';

/** Such commands, each with its options that belong to apps, and to the pod. */
const OPTIONS = new WeakMap<Command, ReadonlySet<Option>>();
const TYPED = new WeakMap<Command, readonly string[]>();

export function describesApps(command: Command, options: readonly Option[]): void {
  for (const option of options) command.addOption(option);
  OPTIONS.set(command, new Set(options));
}

/** What commander is to read of a command line. */
export function withoutAppArguments(program: Command, args: readonly string[]): readonly string[] {
  const { command } = readTyped(program, args);
  if (!OPTIONS.has(command)) return args;
  TYPED.set(command, args);
  return ownWords(args);
}

/** The words of a command that describe apps: without its path, its other options and the global ones. */
export function appWordsOf(command: Command): string[] {
  let program = command;
  while (program.parent !== null) program = program.parent;
  return readTyped(program, TYPED.get(command) ?? []).words;
}

/** All words but the arguments of apps, from each `--` to the next `---`. */
export function ownWords(args: readonly string[]): string[] {
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string;
    if (word === BEGIN_ARGS) at = endOfArgs(args, at);
    else if (word !== END_ARGS) words.push(word);
  }
  return words;
}

/** @returns where the last word of the arguments is that begin here */
function endOfArgs(args: readonly string[], at: number): number {
  const end = args.indexOf(END_ARGS, at);
  return end < 0 ? args.length - 1 : end;
}

/** Finds the command that a line is about, and its words that are neither its path nor options of its own. */
function readTyped(program: Command, args: readonly string[]): { command: Command; words: string[] } {
  const words: string[] = [];
  let command = program;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string;
    const [flag = ''] = word.split('=');
    const option = [...command.options, ...program.options].find(({ long, short }) => long === flag || short === word);
    const isOfApps = option === undefined || OPTIONS.get(command)?.has(option) === true;
    const below = option === undefined && words.length === 0 ? subcommandOf(command, word) : undefined;
    let last = at;
    if (word === BEGIN_ARGS) last = endOfArgs(args, at);
    else if (option?.required === true && word === flag) last = at + 1;
    if (below !== undefined) command = below;
    else if (isOfApps) words.push(...args.slice(at, last + 1));
    at = last;
  }
  return { command, words };
}

function subcommandOf(command: Command, word: string): Command | undefined {
  return command.commands.find((each) => each.name() === word || each.aliases().includes(word));
}
