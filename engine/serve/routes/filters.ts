/** Filters of lists: pairs in a query, and whole filters as JSON. */
import { CairnError } from '../../core/errors.js';
import type { Schema } from './route.js';

/** @param texts `NAME=VALUE` */
export function pairsIn(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      if (equals < 1) throw new CairnError('ERR_USAGE', `must be NAME=VALUE: ${JSON.stringify(text)}`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** The parameter that takes whole filters. */
export function filterParameter(fields: Readonly<Record<string, Schema>>, what: string): Schema {
  return {
    type: 'array',
    items: { type: 'string', maxLength: 65_536 },
    maxItems: 100,
    description: `further filters, of which ${what} fits one: JSON with the fields ${Object.keys(fields).join(', ')}`,
  };
}

/** @param fields of a filter, with the kind of each */
export function parseFilter(text: string, fields: Readonly<Record<string, Schema>>): Record<string, unknown> {
  const fault = (why: string): CairnError => new CairnError('ERR_USAGE', `not a filter: ${why}`);
  let filter: unknown;
  try {
    filter = JSON.parse(text);
  } catch {
    throw fault('it is no JSON');
  }
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) throw fault('it is no object');
  for (const [field, value] of Object.entries(filter)) {
    const kind = Object.hasOwn(fields, field) ? fields[field]?.['type'] : undefined;
    if (kind === undefined) throw fault(`there is no field ${JSON.stringify(field).slice(0, 80)}`);
    if (!fits(`${kind}`, value)) throw fault(`${field} is of another kind`);
  }
  return filter as Record<string, unknown>;
}

function fits(kind: string, value: unknown): boolean {
  if (kind === 'integer') return typeof value === 'number' && Number.isFinite(value);
  if (kind === 'array') return Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => typeof each === 'string');
}
