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
    if (chain[1]?.name() !== TELLER) for (const each of await survey(chain, scope)) accept(each, scope.program);
    for (const { flags } of missing(command, mandatory)) {
      const code = 'commander.missingMandatoryOptionValue';
      command.error(`error: required option '${flags}' not specified`, { code });
    }
  });
}

/**
 * Looks at all files, and gives options their values on the way: the general files may say which store's file comes
 * last.
 * @param chain the program of which the command line was read, and its commands, down to the one that runs
 * @throws CairnError `ERR_NOT_FOUND` for a missing file that was named, `ERR_IO`
 */
export async function survey(chain: readonly [Command, ...Command[]], scope: Scope): Promise<Loaded[]> {
  const [program] = chain;
  const looked: Loaded[] = [];
  const lookAt = async (place: Place): Promise<void> => {
    const loaded = await look(place, scope);
    for (const setting of loaded.settings) give(setting, chain);
    looked.push(loaded);
  };
  for (const place of generalPlaces(program.opts<Globals>().config)) await lookAt(place);
  await lookAt(storePlace(storeDir(program.opts<Globals>())));
  return looked;
}

function accept({ place, state, faults }: Loaded, program: Command): void {
  if (faults[0] !== undefined) throw faults[0];
  if (state === 'foreign' && program.opts<Globals>().quiet !== true)
    process.stderr.write(`cairn: ${printable(place.file)} belongs to another user, so it is not read\n`);
}

/** The command line and the environment count more than any file. */
function give({ path, option, value }: Setting, chain: readonly Command[]): void {
  const command = chain[path.length];
  const isMeant = path.every((name, i) => chain[i + 1]?.name() === name);
  if (command === undefined || !isMeant) return;
  const name = option.attributeName();
  const source = command.getOptionValueSource(name);
  if (source !== 'cli' && source !== 'env') command.setOptionValueWithSource(name, value, 'config');
}

async function look(place: Place, scope: Scope): Promise<Loaded> {
  if (place.kind !== 'given' && !isThere(place.file)) return { place, state: 'absent', settings: [], faults: [] };
  return (await import('./load.js')).loadFile(place, scope);
}

/** A file that cannot be reached counts as none, such as those of root for somebody who has root's environment. */
function isThere(file: string): boolean {
  try {
    return fs.statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function chainOf(command: Command): [Command, ...Command[]] {
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
