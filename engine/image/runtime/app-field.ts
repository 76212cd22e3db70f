/** Names fields of one app of a pod in errors: `app web: app.user`. */
import type { JsonValue } from '../json.js';
import { JsonField } from '../json-field.js';

/** A field by its path below the app, with its value where that is to be read. */
export type FieldAt = (path: string, value?: JsonValue) => JsonField;

export function fieldsOf(app: string): FieldAt {
  return (path, value) => new JsonField(`app ${app}`, value, path);
}
