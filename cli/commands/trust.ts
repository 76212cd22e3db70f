/** `cairn trust`: says whose signatures count, and for which images. */
import { type Command, Option } from 'commander';
import type { PublicKey } from 'openpgp';
import { CairnError } from '../../engine/core/errors.js';
import { addKey, type RemovedKey, removeKey } from '../../engine/trust/change-keys.js';
import { trustDirectories } from '../../engine/trust/directories.js';
import { describeKey } from '../../engine/trust/key-state.js';
import { cleanFingerprint } from '../../engine/trust/keystore.js';
import { type ListedKey, listKeys, placesOf } from '../../engine/trust/list-keys.js';
import { checkPrefix, coveredBy, type Prefix } from '../../engine/trust/prefix.js';
import { readKeys } from '../../engine/trust/read-keys.js';
import { mustBeTerminal, mustConfirm } from '../confirm.js';
import { examples } from '../help.js';
import { readKeySource, shownSource } from '../key-source.js';
import { keysTable, keyText, removedText, type ShownKey } from '../key-text.js';
import { print } from '../output.js';

interface Options {
  prefix?: string;
  root?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function define(command: Command): void {
  defineAdd(command.command('add').description('Trust keys, for the images below a prefix or for all.'));
  defineList(command.command('ls').description('List keys that count, and those that are masked.'));
  defineRemove(command.command('rm').description('Take trust from a key.'));
  defineReview(command.command('review').description('Show keys without trusting them.'));
  examples(command, [
    'cairn trust review key.asc',
    'cairn trust add --prefix example.com/app key.asc',
    'cairn trust ls',
    'cairn trust rm 5c9a0e1f7b2d4c6e8a90b1c2d3e4f50617283940',
  ]);
}

const KEY_HELP = 'a file with keys, armored or binary; an https:// URL of one; "-" for standard input';

function placed(command: Command, root: string): Command {
  return command
    .addOption(new Option('--prefix <prefix>', 'for images below this prefix: example.com/app').conflicts('root'))
    .option('--root', root);
}

/** @returns undefined if none was asked for */
function prefixIn({ prefix, root }: Options): Prefix | undefined {
  if (prefix !== undefined) return checkPrefix(prefix);
  return root === true ? null : undefined;
}

function defineAdd(command: Command): void {
  placed(command.argument('<key...>', KEY_HELP), 'for all images')
    .option('-y, --yes', 'do not ask')
    .action(async (sources: string[], _options: object, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const prefix = prefixIn(options);
      if (prefix === undefined)
        throw new CairnError('ERR_USAGE', 'for which images? --prefix example.com/app, or --root for all');
      if (options.yes !== true) mustBeTerminal();
      const keys = await keysIn(sources, self);
      if (options.yes !== true) await confirm(keys, prefix);
      const added: ListedKey[] = [];
      for (const { key } of keys) added.push(await addKey(trustDirectories(), key, prefix));
      printResult(options, added, keysTable);
    });
  examples(command, [
    'cairn trust add --prefix example.com/app key.asc',
    'cairn trust add --root --yes https://example.com/keys.asc',
    'gpg --export you@example.com | cairn trust add --prefix example.com --yes -',
  ]);
}

async function confirm(keys: readonly SourcedKey[], prefix: Prefix): Promise<void> {
  for (const { key } of keys) process.stderr.write(keyText(await shown(key)));
  const which = keys.length === 1 ? 'this key' : `these ${keys.length} keys`;
  await mustConfirm(`Trust ${which} for ${coveredBy(prefix)}?`);
}

function defineList(command: Command): void {
  command.action(async (_options: object, self: Command) =>
    printResult(self.optsWithGlobals<Options>(), await listKeys(trustDirectories()), keysTable),
  );
  examples(command, ['cairn trust ls', 'cairn trust ls --json']);
}

function defineRemove(command: Command): void {
  placed(command.argument('<fingerprint>', '40 or 64 hexadecimal digits'), 'only from the keys for all images').action(
    async (fingerprint: string, _options: object, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const prefix = prefixIn(options);
      const removed = await removeKey(trustDirectories(), cleanFingerprint(fingerprint), prefix);
      printResult<RemovedKey>(options, removed, removedText);
    },
  );
  examples(command, [
    'cairn trust rm 5c9a0e1f7b2d4c6e8a90b1c2d3e4f50617283940',
    'cairn trust rm --prefix example.com/app 5c9a0e1f7b2d4c6e8a90b1c2d3e4f50617283940',
  ]);
}

interface Reviewed extends ShownKey {
  /** The first one that the key is trusted for already. */
  prefix: Prefix;
  file: string;
  /** Whether it is masked anywhere. */
  masked: boolean;
}

function defineReview(command: Command): void {
  command.argument('<key...>', KEY_HELP).action(async (sources: string[], _options: object, self: Command) => {
    const reviewed: Reviewed[] = [];
    for (const { key, file } of await keysIn(sources, self)) {
      const description = await shown(key);
      const { places } = description;
      const prefix = places.find(({ masked }) => !masked)?.prefix ?? null;
      reviewed.push({ ...description, prefix, file, masked: places.some(({ masked }) => masked) });
    }
    printResult(self.optsWithGlobals<Options>(), reviewed, (all) => all.map(keyText).join('\n'));
  });
  examples(command, ['cairn trust review key.asc', 'cairn trust review https://example.com/keys.asc']);
}

async function shown(key: PublicKey): Promise<ShownKey> {
  return { ...(await describeKey(key)), places: placesOf(trustDirectories(), key.getFingerprint()) };
}

interface SourcedKey {
  key: PublicKey;
  file: string;
}

async function keysIn(sources: readonly string[], self: Command): Promise<SourcedKey[]> {
  const keys: SourcedKey[] = [];
  for (const source of sources) {
    const file = shownSource(source);
    const bytes = await readKeySource(source, self.parent?.parent?.version() ?? '');
    for (const key of await readKeys(bytes, file)) keys.push({ key, file });
  }
  return keys;
}

function printResult<T>({ json }: Options, result: T[], text: (result: T[]) => string): void {
  print(json === true ? `${JSON.stringify(result)}\n` : text(result));
}
