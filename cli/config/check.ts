/** Holds what a file says against the options that there are. */
import { isAbsolute } from 'node:path';
import type { Command, Option } from 'commander';
import type { TomlTable, TomlValue } from 'smol-toml';
import { CairnError, type ErrorDetails } from '../../engine/core/errors.js';
import { nearest } from '../../engine/core/near.js';
import type { CommandEntry } from '../command.js';
import { optionsByKey } from './key.js';
import { whyOnce } from './once.js';
import type { Place } from './place.js';
import { type Read, readValue, shownValue } from './value.js';

/** What a file is held against. Of commands that the program has not loaded, only the names are known. */
export interface Scope {
  program: Command;
  /** All commands. */
  commands: readonly CommandEntry[];
}

/** One option that a file gives. */
export interface Setting {
  /** The command's names: `['tree', 'ls']`; none for an option of the program. */
  path: readonly string[];
  /** `tree.ls.json`. */
  entry: string;
  option: Option;
  /** As the file has it, and as the option has read it. */
  raw: TomlValue;
  value: unknown;
  file: string;
}

/** A command's part of a file. */
interface Part {
  place: Place;
  scope: Scope;
  path: readonly string[];
  command: Command;
}

/** @returns settings, and faults in the order of the file */
export function* checkTable(table: TomlTable, place: Place, scope: Scope): Generator<Setting | CairnError> {
  yield* checkPart({ place, scope, path: [], command: scope.program }, table);
}

function* checkPart(part: Part, table: TomlTable): Generator<Setting | CairnError> {
  for (const [key, value] of Object.entries(table)) {
    if (isTable(value)) yield* checkSubtable(part, key, value);
    else yield checkOption(part, key, value);
  }
}

function* checkSubtable(part: Part, name: string, table: TomlTable): Generator<Setting | CairnError> {
  const { path, command } = part;
  const known = commandsOf(part);
  if (!known.some((each) => each.name === name)) {
    const called = known.find(({ aliases = [] }) => aliases.includes(name))?.name;
    const names = known.flatMap((each) => [each.name, ...(each.aliases ?? [])]);
    if (called !== undefined) yield fault(part, name, `its table is called ${called}`, { candidates: [called] });
    else yield fault(part, name, 'there is no such command', suggestion(name, names));
    return;
  }
  const below = command.commands.find((each) => each.name() === name);
  if (below !== undefined) yield* checkPart({ ...part, path: [...path, name], command: below }, table);
}

function checkOption(part: Part, key: string, raw: TomlValue): Setting | CairnError {
  const { place, path, command } = part;
  const option = optionsByKey(command).get(key);
  if (option === undefined && key !== 'help') return unknown(part, key);
  const why = whyOnce(key) ?? whyNotThis(part, key, raw);
  if (option === undefined || why !== undefined) return fault(part, key, `no file can say this: ${why}`);
  const read = readValue(option, raw);
  if ('value' in read) return { path, entry: entryOf(part, key), option, raw, value: read.value, file: place.file };
  return misfit(part, key, raw, read);
}

/** Characters of a value that one message shows. */
const SHOWN = 80;

function misfit(part: Part, key: string, raw: TomlValue, read: Exclude<Read, { value: unknown }>): CairnError {
  const whole = shownValue(raw);
  const found = whole.length > SHOWN ? `${whole.slice(0, SHOWN)}…` : whole;
  if ('expected' in read)
    return fault(part, key, `must be ${read.expected}, not ${found}`, { expected: read.expected, found });
  const { why, candidates } = read;
  return fault(part, key, `cannot be ${found}: ${why}`, { found, ...(candidates.length === 0 ? {} : { candidates }) });
}

function unknown(part: Part, key: string): CairnError {
  const { scope, path, command } = part;
  if (commandsOf(part).some(({ name }) => name === key))
    return fault(part, key, `this is a command: its options stand in a table, [${entryOf(part, key)}]`);
  const isGeneral = optionsByKey(scope.program).has(key) && whyOnce(key) === undefined;
  if (path.length > 0 && isGeneral)
    return fault(part, key, 'this is an option of all commands: it stands before the first table');
  const keys = [...optionsByKey(command).keys()].filter((each) => whyOnce(each) === undefined);
  return fault(part, key, 'there is no such option', suggestion(key, keys));
}

/** Whoever reads a file may be in any directory, so that a path in it must be absolute. */
function whyNotThis({ place, path }: Part, key: string, raw: TomlValue): string | undefined {
  if (key !== 'store' || path.length > 0) return undefined;
  if (place.kind === 'store') return 'this file lies in a store already';
  return typeof raw === 'string' && !isAbsolute(raw) ? "a store's path begins with / here" : undefined;
}

function commandsOf({ scope, path, command }: Part): { name: string; aliases?: readonly string[] }[] {
  if (path.length === 0) return [...scope.commands];
  return command.commands.map((each) => ({ name: each.name(), aliases: each.aliases() }));
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}

function entryOf({ path }: Part, key: string): string {
  return [...path, key].join('.');
}

function suggestion(typed: string, names: readonly string[]): ErrorDetails {
  const candidates = nearest(typed, names);
  return candidates.length === 0 ? {} : { candidates };
}

function fault(part: Part, key: string, message: string, details: ErrorDetails = {}): CairnError {
  return new CairnError('ERR_CONFIG', message, { path: part.place.file, entry: entryOf(part, key), ...details });
}
