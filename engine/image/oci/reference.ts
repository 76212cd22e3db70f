/** Reads and writes references, the names of OCI images. */
import { defined } from '../../core/defined.js';
import { CairnError } from '../../core/errors.js';
import { MAX_REFERENCE_NAME } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';

/** The name of an image, as registries and layouts write it. It is a search term and never part of a path. */
export interface Reference {
  /** With the registry's domain if there is one: `localhost:5000/team/app`. */
  name: string;
  tag?: string;
  /** `sha256:` and 64 hexadecimal digits in lower case. */
  digest?: string;
}

const DOMAIN_PART = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = `(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const TAG = '\\w[\\w.-]{0,127}';
const REFERENCE = new RegExp(
  `^((?:${DOMAIN}/)?${PATH_PART}(?:/${PATH_PART})*)(?::(${TAG}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);
const BARE_TAG = new RegExp(`^${TAG}$`);
/** What a layout may call an image (OCI image spec, annotations, `org.opencontainers.image.ref.name`). */
const REF_COMPONENT = '[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*';
const REF = new RegExp(`^${REF_COMPONENT}(?:/${REF_COMPONENT})*$`);

/** Docker Hub's part of a name, in all spellings. Programs write it, people leave it out. */
const DOCKER_HUB = /^(?:index\.)?docker\.io\/(?:library\/)?/;

const LONGEST_REFERENCE = MAX_REFERENCE_NAME + ':'.length + 128 + '@sha256:'.length + 64;

/**
 * Reads a reference, `[domain[:port]/]path[:tag][@digest]` (the grammar of the distribution project). Nothing is filled
 * in: `busybox` stays without a domain and a tag.
 *
 * A text that can only be a tag, such as `Latest_1`, is a name by itself: layouts name their images so.
 *
 * @throws CairnError `ERR_NAME_SYNTAX`
 */
export function parseReference(text: string): Reference {
  const match = text.length > LONGEST_REFERENCE ? null : REFERENCE.exec(text);
  const [, name, tag, digest] = match ?? [];
  if (name !== undefined && name.length <= MAX_REFERENCE_NAME) {
    return { name, ...defined({ tag, digest }) };
  }
  if (BARE_TAG.test(text)) return { name: text };
  const rule = 'must be [domain[:port]/]path[:tag][@sha256:digest], the path in lower case';
  throw new CairnError('ERR_NAME_SYNTAX', `not an image reference: ${quoted(text)}: ${rule}`);
}

/**
 * As {@link parseReference}, but takes what layouts may call an image as well: capitals, and `+` in tags. Docker Hub's
 * part of a name is left out.
 * @throws CairnError `ERR_NAME_SYNTAX`
 */
export function parseLayoutName(text: string): Reference {
  const isOne = text.length <= LONGEST_REFERENCE && REF.test(text) && !/@sha[0-9]*:/i.test(text);
  const reference = isOne && !isReference(text) ? splitTag(text) : parseReference(text);
  return { ...reference, name: reference.name.replace(DOCKER_HUB, '') || reference.name };
}

/** The tag comes after the last colon, unless that is the colon of a port. */
function splitTag(text: string): Reference {
  const colon = text.lastIndexOf(':');
  return colon > text.lastIndexOf('/') ? { name: text.slice(0, colon), tag: text.slice(colon + 1) } : { name: text };
}

/** Whether a text is a reference, see {@link parseReference}. */
export function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a text is a name for {@link parseLayoutName}. */
export function isLayoutName(text: string): boolean {
  try {
    parseLayoutName(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a text may be the tag in a name for {@link parseLayoutName}. */
export function isLayoutTag(text: string): boolean {
  return isLayoutName(`name:${text}`) && parseLayoutName(`name:${text}`).tag === text;
}

/** Whether registries and Docker take a text as a reference. */
export function isRegistryReference(text: string): boolean {
  const name = REFERENCE.exec(text)?.[1];
  return name !== undefined && name.length <= MAX_REFERENCE_NAME;
}

/** Writes a reference so that {@link parseReference} reads the same one back. */
export function formatReference({ name, tag, digest }: Reference): string {
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}
