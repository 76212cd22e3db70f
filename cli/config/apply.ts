/**
 * Gives options the values that files have for them, once the command line is read. The command line comes first, then
 * the environment, then the store's file, the user's and the system's.
 */
import * as fs from 'node:fs';
import type { Command, Option } from 'commander';
import { printable } from '../../engine/core/printable.js';
import { type Globals, storeDir } from '../session.js';
import type { Scope, Setting } from './check.js';
import type { Loaded } from './load.js';
import { generalPlaces, type Place, storePlace } from './place.js';

/** The command that tells of files, also where they are wrong: they do not change what it does. */
const TELLER = 'config';

/** Has each command of the program take its options from files, too. */
export function takeFromFiles(scope: Scope): void {
  const mandatory = relaxMandatory(scope.program);
  scope.program.hook('preAction', async (_program, command) => {
    const chain = chainOf(command);
    if (chain[1]?.name() !== TELLER) await apply(scope, chain);
    for (const { flags } of missing(command, mandatory)) {
      const code = 'commander.missingMandatoryOptionValue';
      command.error(`error: required option '${flags}' not specified`, { code });
    }
  });
}

/**
 * Looks at all files. Options of the running program are given their values on the way, since they say which store's
 * file to look at.
 * @param running the program of which the command line was read
 * @throws CairnError `ERR_NOT_FOUND` for a missing file that was named, `ERR_IO`
 */
export async function survey(running: Command, scope: Scope): Promise<Loaded[]> {
  const general = await look(generalPlaces(running.opts<{ config?: string }>().config), scope);
  for (const { settings } of general) for (const setting of settings) give(setting, [running]);
  const own = await look([storePlace(storeDir(running.opts<Globals>()))], scope);
  return [...general, ...own];
}

/** Whether no word that counts more than a file's was said on an option. */
export function isOpen(command: Command, option: string): boolean {
  const source = command.getOptionValueSource(option);
  if (source === 'cli' || source === 'env') return false;
  return !(option === 'store' && command.parent === null && Boolean(process.env['CAIRN_STORE']));
}

async function apply(scope: Scope, chain: readonly Command[]): Promise<void> {
  for (const { place, state, settings, faults } of await survey(scope.program, scope)) {
    if (faults[0] !== undefined) throw faults[0];
    if (state === 'foreign') sayForeign(place, scope.program);
    for (const setting of settings) give(setting, chain);
  }
}

function sayForeign({ file }: Place, program: Command): void {
  if (program.opts<Globals>().quiet === true) return;
  process.stderr.write(`cairn: ${printable(file)} belongs to another user, so it is not read\n`);
}

/** @param chain the program and its commands, down to the one that runs */
function give({ path, option, value }: Setting, chain: readonly Command[]): void {
  const command = chain[path.length];
  const isMeant = path.every((name, i) => chain[i + 1]?.name() === name);
  const name = option.attributeName();
  if (command !== undefined && isMeant && isOpen(command, name))
    command.setOptionValueWithSource(name, value, 'config');
}

async function look(places: readonly Place[], scope: Scope): Promise<Loaded[]> {
  const looked: Loaded[] = [];
  for (const place of places) {
    if (place.kind !== 'given' && !isThere(place.file))
      looked.push({ place, state: 'absent', settings: [], faults: [] });
    else looked.push(await (await import('./load.js')).loadFile(place, scope));
  }
  return looked;
}

/** A file that cannot be reached counts as none, such as those of root for somebody who has root's environment. */
function isThere(file: string): boolean {
  try {
    return fs.statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function chainOf(command: Command): Command[] {
  return command.parent === null ? [command] : [...chainOf(command.parent), command];
}

/** Options that must be given may come from a file, so that commander must not ask for them before. */
function relaxMandatory(command: Command): Map<Command, Option[]> {
  const options = command.options.filter(({ mandatory }) => mandatory);
  for (const option of options) option.makeOptionMandatory(false);
  return new Map([[command, options], ...command.commands.flatMap((sub) => [...relaxMandatory(sub)])]);
}

function missing(command: Command, mandatory: ReadonlyMap<Command, readonly Option[]>): Option[] {
  return (mandatory.get(command) ?? []).filter(
    (option) => command.getOptionValue(option.attributeName()) === undefined,
  );
}
