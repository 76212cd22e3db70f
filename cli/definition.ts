/** The program and its commands as commander knows them, from which help, manual pages and completion are made. */
import { Command, Option, type OutputConfiguration } from 'commander';
import { ARGUMENT_TYPES } from '../engine/core/finding.js';
import { DEFAULT_LIMITS, type Limits, limitFlag } from '../engine/core/limits.js';
import type { CommandEntry } from './command.js';
import { addOpposites } from './config/key.js';
import { examples } from './help.js';
import { print } from './output.js';
import { parseCount, parseSize } from './units.js';

/** Limits that take sizes with a unit, since they count bytes. */
const SIZES: ReadonlySet<string> = new Set<keyof Limits>([
  'maxBytes',
  'maxManifest',
  'maxMetadata',
  'maxOverhead',
  'maxPax',
]);

/** Options that the environment may give, too. An empty variable counts as none. */
const VARIABLES = { store: 'CAIRN_STORE', config: 'CAIRN_CONFIG' } as const;

export const IMAGE_HELP =
  'An IMAGE is a key (sha512-…, any unambiguous prefix), a path to an archive, or a name: example.com/app:1.0.0,arch=amd64';

/** Exit codes and what they mean. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [1, 'failed'],
  [2, 'usage'],
  [3, 'not found'],
  [4, 'damage found'],
  [130, 'interrupted'],
];

/** @param json whether errors go out as JSON, and help does not go with them */
export function programOf(version: string, json: boolean): Command {
  const program = new Command('cairn')
    .description('A store for layered images: imports them, renders their root file systems, checks and collects.')
    .version(version, '-V, --version', 'print the version')
    .option(
      '--store <dir>',
      'the store (default: $CAIRN_STORE, /var/lib/cairn as root, else the user’s data directory)',
    )
    .option('--config <file>', 'defaults of options, in place of those of the system and the user')
    .option('--json', 'print one JSON document, errors too')
    .option('-q, --quiet', 'print results and errors only; of a list, ids alone')
    .option('--no-progress', 'show no progress, even on a terminal')
    .addOption(new Option('--workers <n>', 'worker threads').argParser(parseCount))
    .option('--remote <ref>', 'docker://HOST/PREFIX: images that are missing here come from there')
    .addOption(
      new Option('--type <type>', 'what arguments for images are, whatever they look like').choices([
        ...ARGUMENT_TYPES,
      ]),
    )
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
  for (const [option, variable] of Object.entries(VARIABLES)) {
    const value = process.env[variable];
    if (value) program.setOptionValueWithSource(option, value, 'env');
  }
  addOpposites(program);
  examples(program, [
    'cairn import base.aci app.aci',
    'cairn render example.com/app:1.0.0',
    'cairn check && cairn gc --grace-period 7d',
  ]);
  const codes = EXIT_CODES.map(([code, meaning]) => `${code} ${meaning}`).join(', ');
  return program.addHelpText(
    'after',
    `
${IMAGE_HELP}
Exit codes: ${codes}`,
  );
}

/** Only {@link main} reports errors. Without a command the help goes to stderr, but not with `--json`. */
function outputOf(json: boolean): OutputConfiguration {
  return { writeOut: print, outputError: () => {}, ...(json ? { writeErr: () => {} } : {}) };
}

/** Adds a command of which nothing is known but its name. */
export function nameCommand(program: Command, { name, aliases = [], summary }: CommandEntry): Command {
  const command = program
    .command(name)
    .summary(summary)
    .description(sentence(summary))
    .aliases([...aliases]);
  return command.exitOverride();
}

/** Adds a command as a whole. @param commands all commands */
export async function defineCommand(
  program: Command,
  entry: CommandEntry,
  commands: readonly CommandEntry[],
): Promise<Command> {
  const command = nameCommand(program, entry);
  (await entry.load()).define(command, commands);
  for (const each of [command, ...command.commands]) addOpposites(each);
  for (const sub of command.commands) sub.exitOverride();
  return command;
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}
