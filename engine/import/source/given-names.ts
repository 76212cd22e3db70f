/** The names that containers give their images. */
import { basename, resolve } from 'node:path';
import { parseLayoutName } from '../../image/oci/reference.js';
import { STDIN } from '../../resolve/source-path.js';

const DOCKER_HUB = /^docker\.io\/(?:library\/)?/;
const ENDINGS = /(?:\.(?:oci|docker))?\.(?:tar(?:\.(?:gz|bz2|xz|zst|zstd))?|tgz|tbz2?|txz|tzst|oci)$/;

/** Whether a container's name for an image is only a tag. */
export function isBareTag(given: string): boolean {
  return !/[/:]/.test(given);
}

/**
 * The reference that a container's name for an image means. A bare tag names the image after the container: `v2` in
 * `app.tar` is `app:v2`. Docker Hub's part of a name is left out, as people do.
 * @param path of the container, for users
 * @throws CairnError `ERR_NAME_SYNTAX`
 */
export function fullReference(given: string, path: string): string {
  const name = given.replace(DOCKER_HUB, '');
  const container = isBareTag(name) ? nameOfContainer(path) : undefined;
  const full = container === undefined ? name : `${container}:${name}`;
  parseLayoutName(full);
  return full;
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
