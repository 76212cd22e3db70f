/** Refuses keys of a configuration that nobody knows: one that is misspelled would silently do nothing. */
import { nearest } from '../core/near.js';
import { quoted } from '../core/printable.js';
import type { JsonField } from '../image/json-field.js';

/** Longer ones are no slip of the pen. */
const LONGEST_SLIP = 64;

/** @throws CairnError `ERR_CONFIG` for a key that is not among those known, with the nearest one that is */
export function onlyKeys(field: JsonField, known: readonly string[]): void {
  const unknown = Object.keys(field.object()).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const [near] = unknown.length > LONGEST_SLIP ? [] : nearest(unknown, known);
  throw field.fault(
    `unknown key ${quoted(unknown)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    'ERR_CONFIG',
  );
}
