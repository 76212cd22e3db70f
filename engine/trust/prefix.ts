/**
 * Prefixes of image names, which say for whose images a key counts. A prefix covers whole components: `example.com/ap`
 * does not cover `example.com/app`. It becomes a path below a keystore, so that no component may lead out of there.
 */
import { CairnError } from '../core/errors.js';
import { MAX_COMPONENT } from '../core/limits.js';
import { quoted } from '../core/printable.js';
import { acIdentifierFault } from '../image/aci/names.js';

/** The images that a key counts for: those below a prefix, or with null all. */
export type Prefix = string | null;

/** Whether a component of a name can be the name of a directory. */
export function isComponent(text: string): boolean {
  return /^[a-z0-9\-._~]+$/.test(text) && text !== '.' && text !== '..' && text.length <= MAX_COMPONENT;
}

/** @throws CairnError `ERR_NAME_SYNTAX` */
export function checkPrefix(text: string): string {
  const fault = acIdentifierFault(text);
  if (fault !== undefined) throw syntax(text, fault);
  const bad = text.split('/').find((component) => !isComponent(component));
  if (bad !== undefined) throw syntax(text, `${quoted(bad)} is no component of a path`);
  return text;
}

/** All prefixes that cover a name, the shortest first: `example.com`, `example.com/app`. */
export function prefixesOf(name: string): string[] {
  const prefixes: string[] = [];
  for (const component of name.split('/')) {
    // Nothing can be trusted below what no keystore can have.
    if (!isComponent(component)) break;
    prefixes.push(prefixes.length === 0 ? component : `${prefixes.at(-1)}/${component}`);
  }
  return prefixes;
}

/** The images that a prefix covers, in words. */
export function coveredBy(prefix: Prefix): string {
  return prefix === null ? 'all images' : `images below ${prefix}`;
}

function syntax(text: string, rule: string): CairnError {
  return new CairnError('ERR_NAME_SYNTAX', `not a prefix of image names: ${quoted(text)}: ${rule}`);
}
