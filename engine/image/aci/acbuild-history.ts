/** The annotations in which acbuild keeps what was done to an image, command by command. */
import type { JsonObject } from '../json.js';
import { JsonField } from '../json-field.js';
import { editManifest } from './edit-manifest.js';

const COMMAND = 'coreos.com/acbuild/command-';

/** Adds an annotation for one more command. @param words of the command, then its arguments */
export function withCommand(
  manifest: JsonObject,
  { words, args }: { words: string; args: readonly string[] },
): JsonObject {
  const annotations = new JsonField('manifest', manifest).field('annotations').items();
  const numbers = annotations.map((each) => numberIn(each.field('name').text()));
  const name = `${COMMAND}${Math.max(0, ...numbers) + 1}`;
  return editManifest(manifest, { add: 'annotation', name, value: ['acbuild', words, ...args.map(quote)].join(' ') });
}

function numberIn(name: string): number {
  const [, digits] = /^coreos\.com\/acbuild\/command-(\d{1,9})$/.exec(name) ?? [];
  return Number(digits ?? 0);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** A text as Go's `%q` writes it. */
function quote(text: string): string {
  const escaped = text.replace(/["\\\x00-\x1f\x7f]/g, (char) => {
    const code = char.charCodeAt(0).toString(16).padStart(2, '0');
    return ESCAPES[char] ?? `\\x${code}`;
  });
  return `"${escaped}"`;
}
