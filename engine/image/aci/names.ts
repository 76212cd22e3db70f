/**
 * Names, labels and app strings of the appc spec. A name is a search term and nothing else: `a/../b` is a valid name,
 * so that no name may become part of a path.
 */
import { CairnError } from '../../core/errors.js';
import { MAX_AC_IDENTIFIER } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import type { Label } from '../label.js';

/**
 * Why a text is no AC Identifier, or undefined if it is one.
 *
 * The rule is the reference implementation's check, not the spec's regular expression: names with doubled separators
 * (`a--b`, `a//b`) pass, since images with such names exist. Names over `MAX_AC_IDENTIFIER` bytes pass only there.
 */
export function acIdentifierFault(text: string): string | undefined {
  if (text === '') return 'ACIdentifier cannot be empty';
  if (text.length > MAX_AC_IDENTIFIER) return `ACIdentifier is longer than ${MAX_AC_IDENTIFIER} bytes`;
  if (!/^[a-z0-9\-._~/]+$/.test(text)) {
    return 'ACIdentifier must contain only lower case alphanumeric characters plus "-._~/"';
  }
  if (!/^[a-z0-9]/.test(text) || !/[a-z0-9]$/.test(text)) {
    return 'ACIdentifier must start and end with only lower case alphanumeric characters';
  }
  return undefined;
}

/** Why a text is no AC Name (an AC Identifier whose only separator is `-`), or undefined if it is one. */
export function acNameFault(text: string): string | undefined {
  if (text === '') return 'ACName cannot be empty';
  if (!/^[a-z0-9-]+$/.test(text)) return 'ACName must contain only lower case alphanumeric characters plus "-"';
  if (text.startsWith('-') || text.endsWith('-')) {
    return 'ACName must start and end with only lower case alphanumeric characters';
  }
  return undefined;
}

/**
 * Makes an AC Name of a text: in lower case, every other character a `-`.
 * @throws CairnError `ERR_NAME_SYNTAX` if nothing is left
 */
export function sanitizeACName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .replace(/^-+/, '')
    .replace(/(?<!-)-+$/, '');
  if (name !== '') return name;
  throw new CairnError('ERR_NAME_SYNTAX', `${quoted(text)} must contain at least one valid character`);
}

/** Whether a text is an AC Identifier (appc spec, types), see {@link acIdentifierFault}. */
export function isACIdentifier(text: string): boolean {
  return acIdentifierFault(text) === undefined;
}

/** Whether a text is an AC Name (appc spec, types), see {@link acNameFault}. */
export function isACName(text: string): boolean {
  return acNameFault(text) === undefined;
}

/** The operating systems that an `os` label may name, each with its `arch` labels (appc spec, image manifest). */
const ARCHITECTURES: ReadonlyMap<string, readonly string[]> = new Map([
  ['darwin', ['x86_64', 'i386']],
  ['freebsd', ['amd64', 'i386', 'arm']],
  ['linux', ['amd64', 'i386', 'aarch64', 'aarch64_be', 'armv6l', 'armv7l', 'armv7b', 'ppc64', 'ppc64le', 's390x']],
]);

/**
 * Why an image may not carry these labels, or undefined if it may (appc spec, image manifest, `labels`). Names are AC
 * Identifiers, unique and never `name`. Values have at most `MAX_AC_IDENTIFIER` bytes. `os` is a known system, and
 * `arch` an architecture of that system. An `arch` without an `os` means nothing and is not checked.
 */
export function labelsFault(labels: readonly Label[]): string | undefined {
  const values = new Map<string, string>();
  for (const { name, value } of labels) {
    if (Buffer.byteLength(value) > MAX_AC_IDENTIFIER)
      return `a label's value is longer than ${MAX_AC_IDENTIFIER} bytes`;
    const fault = acIdentifierFault(name);
    if (fault !== undefined) return fault;
    if (name === 'name') return 'invalid label name: "name"';
    if (values.has(name)) return `duplicate labels of name ${quoted(name)}`;
    values.set(name, value);
  }
  const os = values.get('os');
  if (os === undefined) return undefined;
  const known = ARCHITECTURES.get(os);
  if (known === undefined) return `bad os ${quoted(os)} (must be one of: [${[...ARCHITECTURES.keys()].join(' ')}])`;
  const arch = values.get('arch');
  if (arch === undefined || known.includes(arch)) return undefined;
  return `bad arch ${quoted(arch)} for ${os} (must be one of: [${known.join(' ')}])`;
}

/**
 * Reads an image as people type it: `name[:version][,label=value]*`, where `:version` is short for `,version=…`
 * (appc spec, discovery). `labels` keep the order of the text, `version` first.
 *
 * In a value, `%XX` stands for a byte of UTF-8 text, so that a value can hold the separators `,` and `:`. All other
 * characters stand for themselves, also `+` and a `%` that begins no escape. Values are search terms here: an `os` or
 * `arch` that no image may carry finds nothing and is no error.
 *
 * @throws CairnError `ERR_NAME_SYNTAX`, naming the rule
 */
export function parseAppString(text: string): { name: string; labels: Label[] } {
  const [head, ...rest] = text.split(',') as [string, ...string[]];
  if (rest.some((part) => part.includes(':'))) {
    throw syntax(text, 'a colon may appear only right after the app name');
  }
  const [name, version, ...more] = head.split(':') as [string, ...string[]];
  if (more.length > 0) throw syntax(text, 'a colon may appear at most once');
  const nameFault = acIdentifierFault(name);
  if (nameFault !== undefined) throw syntax(text, nameFault);

  const labels: Label[] = version === undefined ? [] : [{ name: 'version', value: decodeValue(version) }];
  return { name, labels: [...labels, ...parseLabels(text, rest, labels)] };
}

/**
 * Reads `label=value` texts of an app string.
 * @param text the whole, for errors
 * @param before labels that it has already
 * @throws CairnError `ERR_NAME_SYNTAX`
 */
export function parseLabels(text: string, parts: readonly string[], before: readonly Label[]): Label[] {
  const labels: Label[] = [];
  const seen = new Set(before.map((label) => label.name));
  for (const part of parts) {
    const equals = part.indexOf('=');
    if (equals < 0) throw syntax(text, `a label without a value: ${quoted(part)}`);
    const label = { name: part.slice(0, equals), value: decodeValue(part.slice(equals + 1)) };
    const fault = acIdentifierFault(label.name);
    if (fault !== undefined) throw syntax(text, `label ${quoted(label.name)}: ${fault}`);
    if (label.name === 'name') throw syntax(text, 'invalid label name: "name"');
    if (seen.has(label.name)) throw syntax(text, `label ${quoted(label.name)} with multiple values`);
    seen.add(label.name);
    labels.push(label);
  }
  return labels;
}

/**
 * Writes an image so that {@link parseAppString} reads the same name and labels back: `name[:version][,label=value]*`,
 * the `version` first and the other labels in their order. A slash in a version is escaped: it would make the whole
 * text a path of names.
 */
export function formatAppString(name: string, labels: readonly Label[]): string {
  const version = labels.find((label) => label.name === 'version');
  const others = labels.filter((label) => label !== version);
  return [
    version === undefined ? name : `${name}:${encodeValue(version.value).replaceAll('/', '%2F')}`,
    ...others.map((label) => `${label.name}=${encodeValue(label.value)}`),
  ].join(',');
}

function syntax(text: string, rule: string): CairnError {
  return new CairnError('ERR_NAME_SYNTAX', `not an image name: ${quoted(text)}: ${rule}`);
}

function decodeValue(value: string): string {
  return value.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

function encodeValue(value: string): string {
  return value.replace(/%(?=[0-9A-Fa-f]{2})|[,:]/g, encodeURIComponent);
}
