/** Names that are nearly the one that somebody typed. */
import { distance } from 'fastest-levenshtein';

/** Suggestions in one error. */
const MOST = 3;

/**
 * The nearest names, at most three. Of a long name about every third character may differ; case does not count.
 * @param formsOf the ways in which a name may be typed; by default as it is
 */
export function nearest(
  typed: string,
  names: Iterable<string>,
  formsOf: (name: string) => readonly string[] = (name) => [name],
): string[] {
  const asked = typed.toLowerCase();
  const farFrom = (name: string): number =>
    Math.min(...formsOf(name.toLowerCase()).map((form) => distance(asked, form)));
  const rated = [...new Set(names)].map((name) => ({ name, far: farFrom(name) }));
  const near = rated.filter(({ far }) => far <= Math.max(1, Math.floor(asked.length / 3)));
  return near
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name)
    .slice(0, MOST);
}
