/** From arguments to an exit code: builds the program, runs one command and reports its error. */
import { Command, CommanderError, Option, type OutputConfiguration } from 'commander';
import { CairnError, toCairnError } from '../engine/core/errors.js';
import { DEFAULT_LIMITS, type Limits, limitFlag } from '../engine/core/limits.js';
import { COMMANDS, findCommand } from './commands.js';
import { flushOutput, isReaderGone, prepareOutput, print } from './output.js';
import { EXIT, exitCodeOf, reportError } from './report.js';
import { parseCount, parseSize } from './units.js';

/** Limits that take sizes with a unit, since they count bytes. */
const SIZES: ReadonlySet<string> = new Set<keyof Limits>([
  'maxBytes',
  'maxManifest',
  'maxMetadata',
  'maxOverhead',
  'maxPax',
]);

export async function main(args: readonly string[], version: string): Promise<number> {
  prepareOutput();
  const json = args.includes('--json');
  const program = programOf(version, json);
  try {
    await runCommand(program, args);
    await flushOutput();
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.done;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      const [message = '', hint = ''] = thrown.message.replace(/^error: /, '').split('\n');
      const usage = new CairnError('ERR_USAGE', message, nearIn(hint));
      if (thrown.code !== 'commander.help') {
        reportError(usage, json, false);
        if (!json) process.stderr.write('(add --help for more)\n');
      } else if (json) {
        reportError(new CairnError('ERR_USAGE', 'a command is missing'), json, false);
      }
      return EXIT.usage;
    }
    const error = toCairnError(thrown);
    if (isReaderGone(error)) return EXIT.done;
    reportError(error, json, args.includes('--verbose'));
    return exitCodeOf(error);
  }
}

/** The names in commander's `(Did you mean one of a, b?)`. */
function nearIn(hint: string): { candidates?: string[] } {
  const names = /Did you mean (?:one of )?(.*)\?/.exec(hint)?.[1];
  return names === undefined ? {} : { candidates: names.split(', ') };
}

async function runCommand(program: Command, args: readonly string[]): Promise<void> {
  try {
    await addCommands(program, commandIn(program, args));
    await program.parseAsync([...args], { from: 'user' });
  } catch (thrown) {
    // Help that was asked for comes as an error with exit code 0.
    if (!(thrown instanceof CommanderError) || thrown.exitCode !== 0) throw thrown;
  }
}

function programOf(version: string, json: boolean): Command {
  const program = new Command('cairn')
    .description('A store for layered images: imports them, renders their root file systems, checks and collects.')
    .version(version, '-V, --version', 'print the version')
    .option(
      '--store <dir>',
      'the store (default: $CAIRN_STORE, /var/lib/cairn as root, else the user’s data directory)',
    )
    .option('--json', 'print one JSON document, errors too')
    .option('-q, --quiet', 'print results and errors only; of a list, ids alone')
    .option('--no-progress', 'show no progress, even on a terminal')
    .addOption(new Option('--workers <n>', 'worker threads').argParser(parseCount))
    .option('--read-only', 'write nothing to the store, not even a lock; commands that must are refused')
    .option('--allow-foreign-store', 'write to a store that belongs to another user')
    .option('--verbose', 'show causes and stack traces of errors')
    .exitOverride()
    .configureOutput(outputOf(json));
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    const parse = SIZES.has(name) ? parseSize : parseCount;
    const option = new Option(`${limitFlag(name as keyof Limits)} <n>`, `default ${value}`).argParser(parse);
    program.addOption(option.hideHelp());
  }
  return program.addHelpText(
    'after',
    `
Examples:
  $ cairn import base.aci app.aci
  $ cairn render example.com/app:1.0.0
  $ cairn check && cairn gc --grace-period 7d

An IMAGE is a key (sha512-…, any unambiguous prefix), a path to an archive, or a name: example.com/app:1.0.0,arch=amd64
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 damage found, 130 interrupted`,
  );
}

/** Only {@link main} reports errors. Without a command the help goes to stderr, but not with `--json`. */
function outputOf(json: boolean): OutputConfiguration {
  return { writeOut: print, outputError: () => {}, ...(json ? { writeErr: () => {} } : {}) };
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
  // Nearly every command opens a store: the engine is read from disk while the arguments are parsed.
  if (chosen !== undefined) import('../engine/store.js').catch(() => undefined);
  for (const entry of chosen === undefined ? COMMANDS : [chosen]) {
    const command = program.command(entry.name).summary(entry.summary).description(sentence(entry.summary));
    for (const alias of entry.aliases ?? []) command.alias(alias);
    command.exitOverride();
    if (entry === chosen) (await entry.load()).define(command, COMMANDS);
    for (const sub of command.commands) sub.exitOverride();
  }
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}
