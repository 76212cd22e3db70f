/** Counts what an archive asks for, and refuses more than the limits allow. */
import { toText } from '../../core/bytes.js';
import { CairnError } from '../../core/errors.js';
import { FREE_OUTPUT, type Limits, limitFlag, SPARSE_PART_OVERHEAD, XATTR_OVERHEAD } from '../../core/limits.js';
import type { Xattr } from '../../core/metadata.js';
import type { TarEntry } from './entry.js';

export type VolumeLimits = Pick<Limits, 'maxEntries' | 'maxMetadata' | 'maxBytes' | 'maxRatio'>;

export class Volume {
  entries = 0;
  /** Bytes of names, link targets, extended attributes and maps, all of which are held in memory. */
  #metadata = 0;
  /** Bytes of holes, which the archive does not hold. */
  #holes = 0;
  readonly #limits: VolumeLimits;

  constructor(limits: VolumeLimits) {
    this.#limits = limits;
  }

  /** @param archived bytes of the archive so far @throws CairnError `ERR_LIMIT`, naming the entry */
  add(entry: TarEntry, archived: number): void {
    const { maxEntries, maxMetadata, maxBytes, maxRatio } = this.#limits;
    this.entries++;
    this.#metadata += metadataOf(entry);
    const refuse = (why: string, flag: keyof VolumeLimits): never => {
      throw new CairnError('ERR_LIMIT', `${why} (${limitFlag(flag)})`, { entry: toText(entry.name) });
    };
    if (this.entries > maxEntries) refuse(`more than ${maxEntries} entries`, 'maxEntries');
    if (this.#metadata > maxMetadata) {
      refuse(`more than ${maxMetadata} bytes of names, link targets and extended attributes`, 'maxMetadata');
    }
    if (entry.sparse === undefined) return;
    this.#holes += entry.size - entry.stored;
    if (this.#holes + archived > maxBytes)
      refuse(`with its holes the layer is larger than ${maxBytes} bytes`, 'maxBytes');
    if (this.#holes - FREE_OUTPUT > archived * maxRatio) {
      refuse(`its holes are more than ${maxRatio} times the archive so far`, 'maxRatio');
    }
  }
}

function metadataOf({ name, link, xattrs, sparse = [] }: TarEntry): number {
  const sizeOf = (each: Xattr): number => XATTR_OVERHEAD + each.name.length + each.value.length;
  const own = name.length + link.length + sparse.length * SPARSE_PART_OVERHEAD;
  return xattrs.reduce((sum, each) => sum + sizeOf(each), own);
}
