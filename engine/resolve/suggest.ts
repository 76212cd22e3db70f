/** Names of images that are nearly the one that somebody typed. */
import { distance } from 'fastest-levenshtein';
import { allImages, referencesOf, shortName } from '../index/images.js';
import type { Index } from '../index/open.js';

/** Suggestions in one error. */
const MOST = 3;

/** The nearest names, at most three. Of a long name about every third character may differ. */
export function nearNames(index: Index, typed: string): string[] {
  const names = new Set<string>();
  for (const image of allImages(index)) {
    for (const name of referencesOf(image)) names.add(shortName(name));
  }
  const asked = typed.toLowerCase();
  const rated = [...names].map((name) => ({ name, far: nearest(asked, name) }));
  const near = rated.filter(({ far }) => far <= Math.max(1, Math.floor(asked.length / 3)));
  return near
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name)
    .slice(0, MOST);
}

/** A name may be typed without its version, and without the registry before it. */
function nearest(asked: string, name: string): number {
  const whole = name.toLowerCase();
  const bare = whole.replace(/:[^:/]*$/, '');
  return Math.min(...[whole, bare, baseOf(whole), baseOf(bare)].map((form) => distance(asked, form)));
}

function baseOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
