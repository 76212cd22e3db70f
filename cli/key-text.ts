/** Shows public keys to people. */
import { printable } from '../engine/core/printable.js';
import type { RemovedKey } from '../engine/trust/change-keys.js';
import type { KeyDescription } from '../engine/trust/key-state.js';
import type { KeyPlace, ListedKey } from '../engine/trust/list-keys.js';
import { coveredBy } from '../engine/trust/prefix.js';
import { table } from './table.js';

/** A key, and where it counts already. */
export interface ShownKey extends KeyDescription {
  places: readonly KeyPlace[];
}

/** A key with all that is known of it, on several lines. */
export function keyText({ fingerprint, users, places, subkeys, ...key }: ShownKey): string {
  const { algorithm, created, expires, state } = key;
  const lines = [
    ['fingerprint', grouped(fingerprint)],
    ...users.map((user) => ['user', user]),
    ['key', `${algorithm}, ${lifetime(created, expires)}${state === 'good' ? '' : `, ${state.toUpperCase()}`}`],
    ...subkeys.map((sub) => [
      'subkey',
      `${sub.fingerprint}  ${sub.algorithm}, ${lifetime(sub.created, sub.expires)}${sub.signs ? ', signs' : ''}`,
    ]),
    ...places.map(({ prefix, file, masked }) => [
      masked ? 'masked' : 'trusted',
      `for ${coveredBy(prefix)}, by ${file}`,
    ]),
  ];
  return `${lines.map(([name = '', value = '']) => `${name.padEnd(11)}  ${printable(value)}\n`).join('')}`;
}

/** In groups of four digits, as people read them to each other. */
function grouped(fingerprint: string): string {
  return fingerprint.replace(/.{4}(?=.)/g, '$& ');
}

function lifetime(created: string, expires: string | null): string {
  const day = (time: string): string => time.slice(0, 10);
  return `created ${day(created)}, ${expires === null ? 'does not expire' : `expires ${day(expires)}`}`;
}

export function keysTable(keys: readonly ListedKey[]): string {
  return table(
    ['FINGERPRINT', 'PREFIX', 'STATE', 'EXPIRES', 'USER', 'FILE'],
    keys.map(({ fingerprint, prefix, users, file, masked, state, expires }) => [
      fingerprint,
      prefix ?? '(all)',
      masked ? 'masked' : (state ?? ''),
      expires?.slice(0, 10) ?? '',
      users[0] ?? '',
      file,
    ]),
  );
}

export function removedText(removed: readonly RemovedKey[]): string {
  return removed
    .map(({ fingerprint, prefix, file, masked }) => {
      const how = masked ? `masked by the empty file ${file}` : `removed ${file}`;
      return printable(`${fingerprint}  no longer trusted for ${coveredBy(prefix)}: ${how}`);
    })
    .map((line) => `${line}\n`)
    .join('');
}
