/**
 * Edits of an image's documents, in acbuild's words, and what edits of both formats need. `aci/edit-manifest.ts` and
 * `oci/edit-config.ts` carry them out.
 */
import { CairnError } from '../core/errors.js';
import { quoted } from '../core/printable.js';
import type { JsonObject, JsonValue } from './json.js';
import type { Label } from './label.js';

/** A field that has one value. */
export type SetEdit =
  | { set: 'exec' | 'entrypoint' | 'cmd'; value: readonly string[] }
  | { set: 'user' | 'group' | 'name' | 'working-directory' | 'stop-signal'; value: string }
  | { set: 'supplementary-gids'; value: readonly number[] }
  | { set: 'event-handler'; name: string; value: readonly string[] };

/** An item of a list, in place of one that is there by the same name. */
export type AddEdit =
  | { add: 'environment' | 'label' | 'annotation'; name: string; value: string }
  | { add: 'mount'; name: string; path: string; readOnly?: boolean }
  | { add: 'port'; name: string; protocol: string; port: number; count?: number; socketActivated?: boolean }
  | { add: 'isolator'; name: string; value: JsonValue }
  | { add: 'dependency'; name: string; labels?: readonly Label[]; imageID?: string; size?: number };

/** Lists of a document that items can be added to and removed from. */
export const EDITED_LISTS = [
  'environment',
  'label',
  'annotation',
  'mount',
  'port',
  'isolator',
  'dependency',
] as const satisfies readonly AddEdit['add'][];
export type EditedList = (typeof EDITED_LISTS)[number];

/** Takes an item away by its name; a mount also by its path, a port also by its number. */
export interface RemoveEdit {
  remove: EditedList;
  name: string;
}

/** Puts another manifest in place of an ACI's, or another configuration in place of an OCI image's. */
export interface ReplaceEdit {
  replace: JsonObject;
}

export type Edit = SetEdit | AddEdit | RemoveEdit | ReplaceEdit;

const TEXT_SETS = ['user', 'group', 'name', 'working-directory', 'stop-signal'];
const LIST_SETS = ['exec', 'entrypoint', 'cmd', 'supplementary-gids', 'event-handler'];
const TEXT_LISTS = ['environment', 'label', 'annotation'];

/** Checks an edit of a caller whose compiler did not. @throws CairnError `ERR_USAGE` */
export function mustBeEdit(edit: object): asserts edit is Edit {
  const { set, add, remove, replace, name, value } = edit as Record<string, unknown>;
  const isText = typeof value === 'string';
  const isSet =
    (isText && TEXT_SETS.includes(set as string)) || (Array.isArray(value) && LIST_SETS.includes(set as string));
  const isNamed = typeof name === 'string' && EDITED_LISTS.includes((add ?? remove) as EditedList);
  const isAdded = isNamed && (remove !== undefined || isText || !TEXT_LISTS.includes(add as string));
  if (isSet || isAdded || (typeof replace === 'object' && replace !== null && !Array.isArray(replace))) return;
  throw new CairnError('ERR_USAGE', `not an edit: ${quoted(JSON.stringify(edit))}`);
}

/** @param where what the item is missing in, as acbuild says it */
export function nothingToRemove(list: EditedList, name: string, where: 'ACI' | 'image'): CairnError {
  const why = `no ${list} ${quoted(name)}: element to be removed does not exist in this ${where}`;
  return new CairnError('ERR_NOT_FOUND', why, { entry: name });
}

/** The same fields, those that are named first and in that order. Fields of no value are left out. */
export function inOrder(object: Readonly<Record<string, JsonValue | undefined>>, names: readonly string[]): JsonObject {
  const keys = new Set([...names, ...Object.keys(object)]);
  const pairs = [...keys].map((key): [string, JsonValue | undefined] => [
    key,
    Object.hasOwn(object, key) ? object[key] : undefined,
  ]);
  return Object.fromEntries(pairs.filter((pair): pair is [string, JsonValue] => pair[1] !== undefined));
}
