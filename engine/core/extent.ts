/**
 * The units that packs are laid out in. They are those of EROFS, so that the kernel can read files of a mounted tree
 * straight from a pack.
 */

/** The unit of tables and of holes, and the largest block that a file system maps. */
export const BLOCK = 4096;
/** Contents begin at multiples of this. */
export const SECTOR = 512;

export function roundUp(at: number, unit: number): number {
  return Math.ceil(at / unit) * unit;
}

export function roundDown(at: number, unit: number): number {
  return Math.floor(at / unit) * unit;
}

/** Bytes that a content takes in a pack, padding behind it included. */
export function extentOf(size: number): number {
  return roundUp(size, SECTOR);
}
