/** What the index lists now, read once for all who ask between two commits: pages of a list, or image after image. */
import { Catalogue } from '../index/catalogue.js';
import type { Index } from '../index/open.js';

interface Kept {
  commit: string;
  catalogue: Catalogue;
}

/** The catalogue read last from each index. */
const kept = new WeakMap<Index, Kept>();

export function catalogueOf(index: Index): Catalogue {
  index.refresh();
  const commit = index.lastCommit;
  const known = kept.get(index);
  if (known?.commit === commit) return known.catalogue;
  const catalogue = new Catalogue(index);
  kept.set(index, { commit, catalogue });
  return catalogue;
}
