/** `cairn config`: tells which options are in force, who gave each, and whether files are right. It needs no store. */
import type { Command } from 'commander';
import type { TomlValue } from 'smol-toml';
import { printable } from '../../engine/core/printable.js';
import type { CommandEntry } from '../command.js';
import { survey } from '../config/apply.js';
import type { Scope } from '../config/check.js';
import { optionsByKey } from '../config/key.js';
import { type Loaded, loadFile } from '../config/load.js';
import { shownValue, withoutSecrets } from '../config/value.js';
import { defineCommand, programOf } from '../definition.js';
import { examples } from '../help.js';
import { print } from '../output.js';
import { EXIT } from '../report.js';
import { type Globals, storeDir } from '../session.js';
import { table } from '../table.js';

export function define(command: Command, commands: readonly CommandEntry[]): void {
  defineList(
    command.command('ls', { isDefault: true }).description('List the options that are in force, and who gave each.'),
    commands,
  );
  defineCheck(command.command('check').description('Check whole files, and tell all that is wrong.'), commands);
  definePath(command.command('path').description('List the files that are looked at, the last word last.'), commands);
  examples(command, ['cairn config', 'cairn config check', 'cairn config path']);
}

function defineList(command: Command, commands: readonly CommandEntry[]): void {
  command.action(async (_options: object, self: Command) => {
    const program = programAbove(self);
    const files = await survey([program], await scopeOf(commands));
    for (const [fault] of files.map(({ faults }) => faults)) if (fault !== undefined) throw fault;
    tell(self, [...ofProgram(program), ...ofFiles(files, program)], (all) =>
      table(
        ['OPTION', 'VALUE', 'FROM'],
        all.map(({ option, value, from, file }) => [option, shownValue(value), file ?? from]),
      ),
    );
  });
  examples(command, ['cairn config ls', "cairn config ls --json | jq -r '.[].option'"]);
}

function defineCheck(command: Command, commands: readonly CommandEntry[]): void {
  command
    .argument('[file]', 'which one (default: all that are there)')
    .action(async (file: string | undefined, _options: object, self: Command) => {
      const scope = await scopeOf(commands);
      const files =
        file === undefined
          ? await survey([programAbove(self)], scope)
          : [await loadFile({ kind: 'given', file }, scope)];
      const checked = files
        .filter(({ state }) => state !== 'absent')
        .map(({ place, state, settings, faults }) => ({
          ...{ file: place.file, state, ok: faults.length === 0, options: settings.length },
          faults: faults.map(({ message, entry, candidates }) => ({ entry, message, candidates })),
        }));
      tell(self, checked, (all) => all.map(checkedText).join(''));
      process.exitCode = checked.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
    });
  examples(command, ['cairn config check', 'cairn config check ./cairn.toml']);
}

function definePath(command: Command, commands: readonly CommandEntry[]): void {
  command.action(async (_options: object, self: Command) => {
    const files = await survey([programAbove(self)], await scopeOf(commands));
    const told = files.map(({ place: { kind, file }, state }) => ({ kind, file, state }));
    tell(self, told, (all) =>
      table(
        ['KIND', 'FILE', 'STATE'],
        all.map(({ kind, file, state }) => [kind, file, STATES[state]]),
      ),
    );
  });
  examples(command, ['cairn config path', 'cairn --store /srv/images config path']);
}

const STATES: Readonly<Record<Loaded['state'], string>> = {
  read: 'read',
  absent: 'not there',
  foreign: "another user's, so it is not read",
};

/** A program with all commands, so that all parts of a file are known. */
async function scopeOf(commands: readonly CommandEntry[]): Promise<Scope> {
  const program = programOf('', false);
  for (const entry of commands) await defineCommand(program, entry, commands);
  return { program, commands };
}

function programAbove(command: Command): Command {
  return command.parent === null ? command : programAbove(command.parent);
}

interface InForce {
  /** `gc.grace-period`. */
  option: string;
  value: TomlValue;
  from: 'command line' | 'environment' | 'file' | 'default';
  file?: string;
}

/** What no file gave. Of what nobody gave, only the store is told: it is one of several. */
function* ofProgram(program: Command): Generator<InForce> {
  for (const [key, option] of optionsByKey(program)) {
    const source = program.getOptionValueSource(option.attributeName());
    const value = withoutSecretsIn(program.getOptionValue(option.attributeName()));
    if (source === 'cli') yield { option: key, value, from: 'command line' };
    else if (source === 'env') yield { option: key, value, from: 'environment' };
    else if (key === 'store' && source === undefined)
      yield { option: key, value: storeDir(program.opts<Globals>()), from: 'default' };
  }
}

function* ofFiles(files: readonly Loaded[], program: Command): Generator<InForce> {
  const settings = new Map(files.flatMap((each) => each.settings).map((each) => [each.entry, each]));
  for (const { path, entry, option, raw, file } of settings.values()) {
    const isInForce = path.length > 0 || program.getOptionValueSource(option.attributeName()) === 'config';
    if (isInForce) yield { option: entry, value: withoutSecretsIn(raw), from: 'file', file };
  }
}

function withoutSecretsIn(value: TomlValue): TomlValue {
  if (Array.isArray(value)) return value.map(withoutSecretsIn);
  return typeof value === 'string' ? withoutSecrets(value) : value;
}

interface Checked {
  file: string;
  state: Loaded['state'];
  options: number;
  faults: readonly { entry: string | undefined; message: string; candidates: readonly string[] | undefined }[];
}

function checkedText({ file, state, options, faults }: Checked): string {
  if (state === 'foreign') return `${printable(file)}: ${STATES.foreign}\n`;
  const lines = faults.map(({ entry, message, candidates = [] }) => {
    const near = candidates.length === 0 ? '' : `; did you mean ${candidates.join(' or ')}?`;
    return `${file}: ${entry === undefined ? '' : `${entry}: `}${message}${near}`;
  });
  const verdict = faults.length === 0 ? `${options} options, all is well` : `${faults.length} faults`;
  return [...lines, `${file}: ${verdict}`].map((line) => `${printable(line)}\n`).join('');
}

function tell<T>(command: Command, result: T, text: (result: T) => string): void {
  const { json } = command.optsWithGlobals<Globals>();
  print(json === true ? `${JSON.stringify(result)}\n` : text(result));
}
