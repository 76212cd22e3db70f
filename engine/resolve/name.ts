/** Names of images as people type them and as programs print them: `NAME[:VERSION][,LABEL=VALUE]…`. */
import { CairnError } from '../core/errors.js';
import { parseBareHash, parseHashPrefix } from '../core/key.js';
import { formatAppString, parseAppString, parseLabels } from '../image/aci/names.js';
import type { Label } from '../image/label.js';
import { isLayoutName, isLayoutTag, isReference, parseLayoutName } from '../image/oci/reference.js';
import { shortName } from '../index/images.js';
import type { ImageName, ImageRecord } from '../index/records.js';

/** A name with the labels that an image must have. */
export interface WantedName {
  name: string;
  labels: Label[];
  /** `sha256:…` of a manifest or configuration, which decides alone. */
  digest?: string;
}

/** @throws CairnError `ERR_NAME_SYNTAX` */
export function parseName(text: string): WantedName {
  const comma = text.indexOf(',');
  const head = comma < 0 ? text : text.slice(0, comma);
  // References may have ports and capitals, names of ACIs escapes and tildes. Both may have labels after a comma.
  if (!isLayoutName(head)) return parseAppString(text);
  const { name, tag, digest } = parseLayoutName(head);
  const version = tag === undefined ? [] : [{ name: 'version', value: tag }];
  const more = comma < 0 ? [] : parseLabels(text, text.slice(comma + 1).split(','), version);
  return { name, labels: [...version, ...more], ...(digest === undefined ? {} : { digest }) };
}

/**
 * Reads a name that an image is to have; the tag is `latest` by default.
 * @throws CairnError `ERR_NAME_SYNTAX`, also for a name that would be taken for a key, and for one that no export could
 *   write
 */
export function parseNewName(text: string): ImageName {
  const { name, labels, digest } = isReference(text) ? parseName(text) : parseAci(text);
  const isHash = parseBareHash(text) !== undefined || parseBareHash(name) !== undefined || looksLikeHash(text);
  const isTag = (label: Label): boolean => label.name === 'version' && isLayoutTag(label.value);
  if (digest !== undefined || isHash || !labels.every(isTag)) throw noNewName(text);
  return { name, labels: labels.length === 0 ? [{ name: 'version', value: 'latest' }] : labels };
}

/** A name that is no reference may be one of an ACI. */
function parseAci(text: string): WantedName {
  try {
    return parseAppString(text);
  } catch {
    throw noNewName(text);
  }
}

function noNewName(text: string): CairnError {
  const rule = 'must be NAME[:TAG], the name in lower case';
  return new CairnError('ERR_NAME_SYNTAX', `not a name for an image: ${JSON.stringify(text)}: ${rule}`);
}

function looksLikeHash(text: string): boolean {
  try {
    return parseHashPrefix(text) !== undefined;
  } catch {
    return true;
  }
}

/** Whether a text may be a name that servers tell of: it begins with their domain. */
export function isDiscoverable(text: string): boolean {
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)+\/[a-z0-9]/.test(text);
}

/** A name as {@link parseName} reads it: an ACI's with all of its labels, others with their tag. */
export function nameText(format: ImageRecord['format'], name: ImageName): string {
  return format === 'aci' ? formatAppString(name.name, name.labels) : shortName(name);
}
