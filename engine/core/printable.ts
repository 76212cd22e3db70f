/** Makes foreign text harmless on a terminal, whatever the text holds. */
import { withoutSecrets } from './without-secrets.js';

const QUOTED_LENGTH = 80;

/** Foreign text for an error message: quoted, harmless on a terminal, and short however long the text is. */
export function quoted(text: string): string {
  // A secret must be found before what tells that it is one is cut off.
  const safe = withoutSecrets(text);
  const cut = safe.length > QUOTED_LENGTH ? `${safe.slice(0, QUOTED_LENGTH)}…` : safe;
  return printable(JSON.stringify(cut));
}

/** Text for a terminal: control and escape characters become visible, so that no file name can drive the terminal. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
