/** From arguments to an exit code: builds the program, runs one command and reports its error. */
import { type Command, CommanderError } from 'commander';
import { CairnError, toCairnError } from '../engine/core/errors.js';
import { ownWords, withoutAppArguments } from './app-arguments.js';
import { COMMANDS, findCommand } from './commands.js';
import { COMPLETE, complete } from './completion/complete.js';
import { takeFromFiles } from './config/apply.js';
import { defineCommand, nameCommand, programOf } from './definition.js';
import { OTHER_WORDS } from './other-words.js';
import { flushOutput, isReaderGone, prepareOutput, print } from './output.js';
import { EXIT, exitCodeOf, reportError } from './report.js';
import type { Globals } from './session.js';

export async function main(args: readonly string[], version: string): Promise<number> {
  prepareOutput();
  if (args[0] === COMPLETE) return answerShell(args.slice(1));
  const own = ownWords(args);
  const program = programOf(version, own.includes('--json'));
  try {
    await runCommand(program, args);
    await flushOutput();
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.done;
  } catch (thrown) {
    // A command line that could not be read may have said so, and files, too.
    const given = program.opts<Globals>();
    const json = own.includes('--json') || given.json === true;
    if (thrown instanceof CommanderError) {
      const [message = '', hint = ''] = thrown.message.replace(/^error: /, '').split('\n');
      const other = thrown.code === 'commander.unknownCommand' ? otherWord(program, args) : undefined;
      const usage =
        other === undefined
          ? new CairnError('ERR_USAGE', message, nearIn(hint))
          : new CairnError('ERR_USAGE', `${message}; ${other}`);
      if (thrown.code !== 'commander.help') {
        reportError(usage, json, false);
        if (!json) process.stderr.write('(add --help for more)\n');
      } else reportError(new CairnError('ERR_USAGE', 'a command is missing'), json, false);
      return EXIT.usage;
    }
    const error = toCairnError(thrown);
    if (isReaderGone(error)) return EXIT.done;
    reportError(error, json, own.includes('--verbose') || given.verbose === true);
    return exitCodeOf(error);
  }
}

/** Tells a shell what may be typed. It never fails: a message in the middle of somebody's line helps nobody. */
async function answerShell(words: readonly string[]): Promise<number> {
  const candidates = await complete(words, COMMANDS);
  print(candidates.map((each) => `${each}\n`).join(''));
  await flushOutput().catch(() => {});
  return EXIT.done;
}

/** What a word of another tool is here, if that is what the command should be. */
function otherWord(program: Command, args: readonly string[]): string | undefined {
  const word = commandIn(program, args);
  return word === undefined || findCommand(word) !== undefined ? undefined : OTHER_WORDS.get(word);
}

/** The names in commander's `(Did you mean one of a, b?)`. */
function nearIn(hint: string): { candidates?: string[] } {
  const names = /Did you mean (?:one of )?(.*)\?/.exec(hint)?.[1];
  return names === undefined ? {} : { candidates: names.split(', ') };
}

async function runCommand(program: Command, args: readonly string[]): Promise<void> {
  try {
    await addCommands(program, commandIn(program, args));
    takeFromFiles({ program, commands: COMMANDS });
    await program.parseAsync([...withoutAppArguments(program, args)], { from: 'user' });
  } catch (thrown) {
    // Help that was asked for comes as an error with exit code 0.
    if (!(thrown instanceof CommanderError) || thrown.exitCode !== 0) throw thrown;
  }
}

/** The first word that is not `help`, an option or an option's value. */
function commandIn(program: Command, args: readonly string[]): string | undefined {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === 'help') continue;
    if (!arg.startsWith('-')) return arg;
    const option = program.options.find(({ long, short }) => long === arg || short === arg);
    if (option?.required === true) i++;
  }
  return undefined;
}

/** Loads the command that will run. Without one, adds the names of all. */
async function addCommands(program: Command, wanted: string | undefined): Promise<void> {
  const chosen = wanted === undefined ? undefined : findCommand(wanted);
  if (chosen === undefined) {
    for (const entry of COMMANDS) nameCommand(program, entry);
    return;
  }
  // Nearly every command opens a store: the engine is read from disk while the arguments are parsed.
  import('../engine/store.js').catch(() => undefined);
  await defineCommand(program, chosen, COMMANDS);
}
