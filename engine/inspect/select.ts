/** Which images of a list are wanted: by name or key, and by filters on their fields and labels. */
import { CairnError } from '../core/errors.js';
import { type Key, parseBareHash, parseHashPrefix } from '../core/key.js';
import { namesMeant } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { parseName } from '../resolve/name.js';
import type { ImageFilter } from './filter.js';
import type { ImageSummary } from './image.js';

export interface ImageSelection {
  /** `NAME[:VERSION][,LABEL=VALUE]…`, or keys and digests, whole or their beginnings. Images that any of them means. */
  names?: readonly string[];
  /**
   * Field or label to value; images that have all of them. Fields are `name`, `format`, `os`, `arch`, and `true` or
   * `false` for `latest`, `pinned`, `named` and `rendered`.
   */
  filter?: Readonly<Record<string, string>>;
  /** Images that fit any of these. */
  anyOf?: readonly ImageFilter[];
  /** Images behind the one with this key: the last of the page before. */
  after?: Key;
  /** How many images at most. */
  limit?: number;
}

/** @throws CairnError `ERR_NAME_SYNTAX`, `ERR_KEY_SYNTAX`, `ERR_USAGE` */
export function selector({
  names = [],
  filter = {},
}: ImageSelection): (image: ImageRecord, summary: ImageSummary) => boolean {
  const tests = names.map(nameTest);
  const wanted = Object.entries(filter).map(([field, value]) => filterTest(field, value));
  return (image, summary) =>
    (tests.length === 0 || tests.some((test) => test(image))) && wanted.every((test) => test(summary));
}

function nameTest(text: string): (image: ImageRecord) => boolean {
  const prefix = parseHashPrefix(text);
  const name = parseName(text);
  const hex = parseBareHash(text)?.[0]?.hex;
  return (image) =>
    namesMeant(image, name).length > 0 ||
    (prefix !== undefined && hashesOf(image).some((hash) => hash.startsWith(text.toLowerCase()))) ||
    (hex !== undefined && hashesOf(image).some((hash) => hash.slice(7).startsWith(hex)));
}

function hashesOf({ key, digests = [] }: ImageRecord): string[] {
  return [key, ...digests];
}

const FLAGS: Readonly<Record<string, (image: ImageSummary) => boolean>> = {
  latest: ({ latest }) => latest,
  pinned: ({ pinned }) => pinned,
  named: ({ names }) => names.length > 0,
  /** What other programs call an image without a name. */
  dangling: ({ names }) => names.length === 0,
  rendered: ({ treeSize }) => treeSize > 0,
};

function filterTest(field: string, value: string): (image: ImageSummary) => boolean {
  const flag = FLAGS[field];
  if (flag !== undefined) {
    if (value !== 'true' && value !== 'false')
      throw new CairnError('ERR_USAGE', `${field} is true or false, not ${value}`);
    return (image) => flag(image) === (value === 'true');
  }
  if (field === 'name') return ({ name, names }) => name === value || names.includes(value);
  if (field === 'format') return ({ format }) => format === value;
  return ({ labels }) => labels[field] === value;
}
