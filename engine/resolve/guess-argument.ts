/**
 * What an IMAGE argument means, by its looks: a key, a reference of a registry, a URL, a path or a name.
 *
 * | text                                               | means                                   |
 * | -------------------------------------------------- | --------------------------------------- |
 * | `sha512-…`, `sha256:…`, 12 or more bare hex digits | a key or digest, which is never fetched |
 * | `docker://[HOST/]REPOSITORY[:TAG][@DIGEST]`        | an image of a registry                  |
 * | `oci:PATH[:REFERENCE]`, `docker-archive:…`         | a path                                  |
 * | `https://HOST/…/FILE`, `http://…`                  | a URL                                   |
 * | `file://PATH`                                      | a path                                  |
 * | what exists, `PATH` or `PATH:REFERENCE`            | a path                                  |
 * | `/…`, `./…`, `../…`                                | a path                                  |
 * | with a colon                                       | a name                                  |
 * | with `./`, or the ending `.aci`                    | a path                                  |
 * | anything else                                      | a name                                  |
 *
 * From "what exists" on this is rkt's order, but that rkt takes `./x:y` for a name. No name begins like that.
 */

import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import type { ArgumentType } from '../core/finding.js';
import { isTreeArgument, parseBareHash, parseHashPrefix } from '../core/key.js';
import { quoted } from '../core/printable.js';
import { isRegistryReference } from '../image/oci/reference.js';

export type ImageArgument =
  /** Also a tree's id. Bare digits may yet be a name of the store. */
  | { kind: 'key'; text: string }
  /** Without `docker://`; the host may be missing. */
  | { kind: 'registry'; reference: string }
  /** Of a file, by HTTP or HTTPS. */
  | { kind: 'url'; url: URL }
  /** It need not exist. */
  | { kind: 'path'; path: string; reference?: string }
  | { kind: 'name'; name: string };

/** Finds what is there to import: at the path, or at the path before `:REFERENCE`. */
export type Locate = (text: string) => { path: string; reference?: string | undefined } | undefined;

/**
 * @param type overrules the guess, but of what begins as a key
 * @throws CairnError `ERR_KEY_SYNTAX`, `ERR_KEY_TOO_SHORT`, `ERR_NAME_SYNTAX`; `ERR_USAGE` for what is not of the type
 */
export function guessArgument(text: string, locate: Locate, type?: ArgumentType): ImageArgument {
  if (isTreeArgument(text) || parseHashPrefix(text) !== undefined) return { kind: 'key', text };
  if (type !== undefined) return BY_TYPE[type](text, locate);
  if (parseBareHash(text) !== undefined) return { kind: 'key', text };
  const scheme = SCHEMES.find(({ prefix }) => text.toLowerCase().startsWith(prefix));
  if (scheme !== undefined) return BY_TYPE[scheme.type](text, locate);
  const found = locate(text);
  if (found !== undefined) return pathOf(found);
  const [, unknown] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  if (unknown !== undefined) {
    const known = SCHEMES.map(({ prefix }) => prefix).join(', ');
    throw new CairnError('ERR_NAME_SYNTAX', `${text}: ${unknown}:// is not known; there are ${known}`);
  }
  return looksLikePath(text) ? { kind: 'path', path: text } : { kind: 'name', name: text };
}

/** Whether a text says by how it begins what it is. */
export function hasScheme(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || SCHEMES.some(({ prefix }) => text.toLowerCase().startsWith(prefix));
}

const SCHEMES: readonly { prefix: string; type: ArgumentType }[] = [
  { prefix: 'docker://', type: 'registry' },
  { prefix: 'oci:', type: 'oci' },
  { prefix: 'docker-archive:', type: 'docker-archive' },
  { prefix: 'https://', type: 'url' },
  { prefix: 'http://', type: 'url' },
  { prefix: 'file://', type: 'path' },
];

const BY_TYPE: Readonly<Record<ArgumentType, (text: string, locate: Locate) => ImageArgument>> = {
  registry: (text) => registryOf(text),
  oci: (text, locate) => containerOf(text, 'oci:', locate),
  'docker-archive': (text, locate) => containerOf(text, 'docker-archive:', locate),
  aci: (text, locate) => (isWeb(text) ? urlOf(text) : fileOf(text, locate)),
  url: (text, locate) => {
    if (isWeb(text)) return urlOf(text);
    if (startsWith(text, 'file://')) return fileOf(text, locate);
    throw new CairnError('ERR_USAGE', `not a URL: ${quoted(text)} (https://, http:// or file://)`);
  },
  path: (text, locate) => fileOf(text, locate),
  name: (text) => ({ kind: 'name', name: text }),
};

/** rkt's order, for what does not exist. */
function looksLikePath(text: string): boolean {
  if (/^(?:\/|\.{1,2}\/)/.test(text)) return true;
  if (text.includes(':')) return false;
  return text.includes('./') || text.endsWith('.aci');
}

function startsWith(text: string, prefix: string): boolean {
  return text.slice(0, prefix.length).toLowerCase() === prefix;
}

function isWeb(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

function registryOf(text: string): ImageArgument {
  const reference = startsWith(text, 'docker://') ? text.slice('docker://'.length) : text;
  if (isRegistryReference(reference)) return { kind: 'registry', reference };
  const rule = 'must be docker://[host[:port]/]repository[:tag][@sha256:digest], the repository in lower case';
  throw new CairnError('ERR_NAME_SYNTAX', `not a reference of a registry: ${quoted(text)}: ${rule}`);
}

/** The path ends at a colon. Where nothing is there to tell at which, it is the first. */
function containerOf(text: string, prefix: string, locate: Locate): ImageArgument {
  const rest = startsWith(text, prefix) ? text.slice(prefix.length) : text;
  if (rest === '') throw new CairnError('ERR_NAME_SYNTAX', `${text} needs a path`);
  const found = locate(rest);
  if (found !== undefined) return pathOf(found);
  const [, path = rest, reference] = /^([^:]+)(?::(.*))?$/s.exec(rest) ?? [];
  return pathOf({ path, reference });
}

function fileOf(text: string, locate: Locate): ImageArgument {
  const path = startsWith(text, 'file://') ? pathIn(text) : text;
  return pathOf(locate(path) ?? { path });
}

/** `file://localhost/x` and `file:///x` are one path; `file://x` is taken for a relative one. */
function pathIn(text: string): string {
  const rest = text.slice('file://'.length).replace(/^localhost(?=\/)/i, '');
  if (rest === '') throw new CairnError('ERR_NAME_SYNTAX', `${text} needs a path`);
  try {
    return decodeURIComponent(rest);
  } catch (cause) {
    throw new CairnError('ERR_NAME_SYNTAX', `not a URL: ${quoted(text)}: a % begins no escape`, { cause });
  }
}

function pathOf({ path, reference }: { path: string; reference?: string | undefined }): ImageArgument {
  return { kind: 'path', path, ...defined({ reference }) };
}

function urlOf(text: string): ImageArgument {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new CairnError('ERR_NAME_SYNTAX', `not a URL: ${quoted(text)}`, { cause });
  }
  // Whoever lists processes would read them. The text is not repeated.
  if (url.username !== '' || url.password !== '')
    throw new CairnError('ERR_NAME_SYNTAX', `credentials for ${url.host} do not belong into a URL, but into auth.d`);
  if (url.pathname.endsWith('/')) throw new CairnError('ERR_NAME_SYNTAX', `${text} names no file`);
  return { kind: 'url', url };
}
