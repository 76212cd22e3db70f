/** The names that containers give their images. */
import { basename, resolve } from 'node:path';
import { CairnError, isCairnError } from '../../core/errors.js';
import { formatReference, parseLayoutName } from '../../image/oci/reference.js';
import { STDIN } from '../../resolve/source-path.js';

const ENDINGS = /(?:\.(?:oci|docker))?\.(?:tar(?:\.(?:gz|bz2|xz|zst|zstd))?|tgz|tbz2?|txz|tzst|oci)$/;

/** A name that a container gives an image. */
export interface GivenName {
  text: string;
  /** The document, and the field in it. */
  field: string;
  /** Where a name may be only a tag. */
  mayBeTag: boolean;
}

export interface ReadNames {
  /** References, each with a tag, `latest` by default. */
  names: string[];
  /** Names that were made of bare tags. */
  fromTags: string[];
  /** What is wrong with a name. It is thrown only if the image needs one: `--name` may give another. */
  fault?: CairnError;
}

/**
 * The references that a container's names for an image mean. A bare tag names the image after the container: `v2` in
 * `app.tar` is `app:v2`. A name that ends in a digest alone moves no tag, so it is none.
 * @param path of the container, for users
 */
export function readNames(given: readonly GivenName[], path: string): ReadNames {
  const read: ReadNames = { names: [], fromTags: [] };
  for (const each of given) {
    // What Docker wrote for images that had lost their names.
    if (each.text === '' || each.text === '<none>:<none>') continue;
    try {
      const isTag = each.mayBeTag && !/[/:]/.test(each.text);
      const container = isTag ? nameOfContainer(path) : undefined;
      const { name, tag, digest } = parseLayoutName(container === undefined ? each.text : `${container}:${each.text}`);
      if (tag === undefined && digest !== undefined) continue;
      const full = formatReference({ name, tag: tag ?? 'latest' });
      if (read.names.includes(full)) continue;
      read.names.push(full);
      if (isTag) read.fromTags.push(full);
    } catch (error) {
      if (!isCairnError(error)) throw error;
      const why = `${path}: ${each.field}: ${error.message}; --name gives the image another name`;
      // A layout may call an image anything (OCI image spec, annotations); Docker's list has references.
      const code = each.mayBeTag ? error.code : 'ERR_BAD_MANIFEST';
      read.fault ??= new CairnError(code, why, { path, entry: each.field, cause: error });
    }
  }
  return read;
}

/** @returns `undefined` for standard input, and for a path without a letter or digit */
function nameOfContainer(path: string): string | undefined {
  if (path === STDIN) return undefined;
  const name = basename(resolve(path))
    .toLowerCase()
    .replace(ENDINGS, '')
    .replace(/[^a-z0-9]*[^a-z0-9._-]+[^a-z0-9]*/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .replace(/\.{2,}|[._-]*[.-]_[._-]*|_{3,}/g, '-');
  return name === '' ? undefined : name;
}
