/** Refuses keys of a configuration that nobody knows: one that is misspelled would silently do nothing. */
import { closest, distance } from 'fastest-levenshtein';
import { quoted } from '../core/printable.js';
import type { JsonField } from '../image/json-field.js';

/** @throws CairnError `ERR_CONFIG` for a key that is not among those known, with the nearest one that is */
export function onlyKeys(field: JsonField, known: readonly string[]): void {
  const unknown = Object.keys(field.object()).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const near = unknown.length > 64 ? '' : closest(unknown, [...known]);
  const isNear = near !== '' && distance(unknown, near) <= Math.max(2, near.length / 3);
  throw field.fault(`unknown key ${quoted(unknown)}${isNear ? `; did you mean ${near}?` : ''}`, 'ERR_CONFIG');
}
