/** Names of images that are nearly the one that somebody typed. */
import { nearest } from '../core/near.js';
import { allImages, referencesOf, shortName } from '../index/images.js';
import type { Index } from '../index/open.js';

export function nearNames(index: Index, typed: string): string[] {
  const names: string[] = [];
  for (const image of allImages(index)) {
    for (const name of referencesOf(image)) names.push(shortName(name));
  }
  return nearest(typed, names, formsOf);
}

/** A name may be typed without its version, and without the registry before it. */
function formsOf(name: string): string[] {
  const bare = name.replace(/:[^:/]*$/, '');
  return [name, bare, baseOf(name), baseOf(bare)];
}

function baseOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
