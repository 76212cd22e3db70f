/** Fills in templates as other programs of this field have them: `{{.name}} {{.size}}`. */
import { CairnError } from '../engine/core/errors.js';
import { printable } from '../engine/core/printable.js';

const FIELD = /\{\{\s*\.([A-Za-z]+)\s*\}\}/g;

/**
 * @param fields by name in lower case; the template may spell them in any case
 * @throws CairnError `ERR_USAGE` for a field that there is not
 */
export function fillTemplate(template: string, fields: Readonly<Record<string, string>>): string {
  if (template.search(FIELD) < 0) throw notOne(template);
  const filled = template
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
    .replace(FIELD, (_all, name: string) => {
      const value = fields[name.toLowerCase()];
      if (value !== undefined) return printable(value);
      throw new CairnError('ERR_USAGE', `no field ${name}; there are ${Object.keys(fields).join(', ')}`);
    });
  if (!/\{\{|\}\}/.test(filled)) return filled;
  throw notOne(template);
}

function notOne(template: string): CairnError {
  return new CairnError('ERR_USAGE', `not a template: ${JSON.stringify(template)}; fields are spelled {{.name}}`);
}
