/** Manual pages, made from what commander knows, as `--help` is. */
import type { Argument, Command, Option } from 'commander';
import { EXIT_CODES, IMAGE_HELP } from '../definition.js';
import { examplesOf } from '../help.js';
import { bold, entries, italic, roff, section } from './roff.js';

const ENVIRONMENT: readonly (readonly [name: string, meaning: string])[] = [
  ['CAIRN_STORE', 'the store, where no --store is given'],
  ['CAIRN_CONFIG', 'the configuration file, where no --config is given'],
  ['XDG_CONFIG_HOME', 'where the user\'s configuration file is, in the directory "cairn" (default: ~/.config)'],
  ['XDG_DATA_HOME', 'where the store of a user who is not root is, in the directory "cairn" (default: ~/.local/share)'],
  ['CAIRN_NO_FFI', 'do without direct system calls'],
];

const FILES: readonly (readonly [file: string, meaning: string])[] = [
  ['/etc/cairn/cairn.toml', 'defaults of options, for everybody'],
  ['$XDG_CONFIG_HOME/cairn/cairn.toml', "the user's, which come before those"],
  ['STORE/cairn.toml', "a store's own, which come before both"],
];

const TAKEN_BACK =
  'Each flag of every command has an opposite, as --no-json or --progress, which takes back what a file says.';

const EXIT_TEXTS: Readonly<Record<number, string>> = {
  0: 'Done.',
  1: 'Failed: an error of the content, the store or the machine.',
  2: 'The command line is wrong.',
  3: 'Something that was named is not there.',
  4: 'Damage was found, by check or fsck.',
  130: 'Interrupted, after cleaning up.',
};

/** The page of the whole program. @param commands all of its commands */
export function programPage(program: Command, commands: readonly Command[]): string {
  const pages = commands.map((command) => pageName(command));
  return page(program, [
    ...section('Commands', entries(commands.map((command) => [names(command), roff(command.summary())]))),
    ...section('Options', [...optionEntries([...shownOf(program), ...helpOf(program)]), '.PP', roff(TAKEN_BACK)]),
    ...section('Limits', ['Limits on input. Sizes may have units.', ...optionEntries(limitsOf(program))]),
    ...section('Images', [roff(`${IMAGE_HELP}.`)]),
    ...ending(program, pages),
  ]);
}

/** The page of one command, its subcommands included. */
export function commandPage(command: Command): string {
  const program = command.parent as Command;
  const subs = command.commands;
  return page(command, [
    ...section('Arguments', argumentEntries(command)),
    ...subs.flatMap((sub) => subsection(sub)),
    ...section('Options', optionEntries([...shownOf(command), ...helpOf(command)])),
    ...section('Global options', optionEntries(shownOf(program))),
    ...(takesImage(command) ? section('Images', [roff(`${IMAGE_HELP}.`)]) : []),
    ...ending(command, [pageName(program)]),
  ]);
}

/** `cairn-import`. */
export function pageName(command: Command): string {
  return command.parent === null ? command.name() : `${pageName(command.parent)}-${command.name()}`;
}

function page(command: Command, body: readonly string[]): string {
  const program = command.parent ?? command;
  const title = pageName(command);
  const summary = command.summary() || command.description();
  const lines = [
    `.TH ${roff(title.toUpperCase())} 1 "" "${roff(`${program.name()} ${program.version()}`)}" "Cairn manual"`,
    '.nh',
    '.ad l',
    ...section('Name', [`${roff(title)} \\- ${roff(summary.replace(/\.$/, ''))}`]),
    ...section('Synopsis', synopses(command)),
    ...section('Description', description(command)),
    ...body,
  ];
  return `${lines.join('\n')}\n`;
}

function synopses(command: Command): string[] {
  if (command.parent === null)
    return [`.B ${roff(command.name())}`, roff('[global options] COMMAND [options] [arguments]')];
  const each = command.commands.length > 0 ? command.commands : [command];
  return each.flatMap((one, i) => [...(i === 0 ? [] : ['.br']), synopsis(one)]);
}

function synopsis(command: Command): string {
  const path = pathOf(command);
  const takes = command.registeredArguments.map(placeholder);
  return [bold(path), ...(shownOf(command).length === 0 ? [] : [roff('[options]')]), ...takes].join(' ');
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function placeholder(argument: Argument): string {
  const text = `${italic(argument.name())}${argument.variadic ? roff('...') : ''}`;
  return argument.required ? text : `[${text}]`;
}

function description(command: Command): string[] {
  const aliases = command.aliases();
  const also = aliases.length === 0 ? [] : ['.PP', `Also: ${aliases.map((each) => bold(each)).join(', ')}.`];
  return [roff(command.description()), ...also];
}

/** A subcommand has all that a command has, under one heading. */
function subsection(command: Command): string[] {
  const examples = examplesOf(command);
  return [
    ...section(pathOf(command), [roff(command.description()), '.PP', synopsis(command)]),
    ...argumentEntries(command),
    ...optionEntries(shownOf(command)),
    ...(examples.length === 0 ? [] : ['.PP', 'Examples:', ...exampleLines(examples)]),
  ];
}

function argumentEntries({ registeredArguments }: Command): string[] {
  return entries(
    registeredArguments.map((argument) => [
      placeholder(argument),
      roff(withExtras(argument.description, argument.argChoices, argument.defaultValue)),
    ]),
  );
}

function optionEntries(options: readonly Option[]): string[] {
  return entries(
    options.map(({ flags, description: text, argChoices, defaultValue, required }) => [
      bold(flags),
      roff(withExtras(text, argChoices, required ? defaultValue : undefined)),
    ]),
  );
}

function withExtras(text: string, choices: readonly string[] | undefined, fallback: unknown): string {
  const extras = [
    ...(choices === undefined ? [] : [`one of ${choices.join(', ')}`]),
    ...(fallback === undefined ? [] : [`default: ${fallback}`]),
  ];
  return [text, ...(extras.length === 0 ? [] : [`(${extras.join('; ')})`])].filter(Boolean).join(' ');
}

function shownOf(command: Command): Option[] {
  return command.options.filter(({ hidden }) => !hidden);
}

/** Hidden options that take a value. Others are opposites of flags. */
function limitsOf(command: Command): Option[] {
  return command.options.filter(({ hidden, required }) => hidden && required);
}

/** Commander adds it to the help only. */
function helpOf(command: Command): Option[] {
  const help = command.createHelp();
  return help.visibleOptions(command).filter(({ long }) => long === '--help');
}

function names(command: Command): string {
  return [command.name(), ...command.aliases()].map((each) => bold(each)).join(', ');
}

function takesImage(command: Command): boolean {
  return [command, ...command.commands].some(({ registeredArguments }) =>
    registeredArguments.some((argument) => /^(?:a|image\b.*)$/.test(argument.name())),
  );
}

/** What ends every page. @param pages names of other pages */
function ending(command: Command, pages: readonly string[]): string[] {
  const codes = EXIT_CODES.map(([code, meaning]) => [`${code}`, roff(EXIT_TEXTS[code] ?? meaning)] as const);
  return [
    ...section('Examples', exampleLines(examplesOf(command))),
    ...section('Exit status', entries(codes)),
    ...section('Environment', entries(ENVIRONMENT.map(([name, meaning]) => [bold(name), roff(meaning)]))),
    ...section('Files', entries(FILES.map(([name, meaning]) => [bold(name), roff(meaning)]))),
    ...section('See also', [pages.map((name) => `${bold(name)}(1)`).join(', ')]),
  ];
}

function exampleLines(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['.nf', ...lines.map((line) => `    ${roff(`$ ${line}`)}`), '.fi'];
}
