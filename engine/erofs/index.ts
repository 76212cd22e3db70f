/**
 * Images that the kernel mounts: EROFS, written. May import: core.
 *
 * Begin with `image.ts`. An image is laid out in two passes: `places.ts` gives every inode its place, `write.ts` makes
 * the bytes from the first to the last. `format.ts` has the structures, named as in the kernel's `erofs_fs.h`, which
 * with the documents of the EROFS project is what they follow.
 */
export type { ErofsImage, ImageEntry, ImageOptions } from './image.js';
