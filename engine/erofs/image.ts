/**
 * An image of a tree, as the kernel mounts it. The same entries with the same addresses give the same bytes.
 */
import { toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import type { SkippedKind } from '../core/metadata.js';
import { type AddressOf, Contents } from './contents.js';
import { header, headerBytes, NO_BLOCK } from './format.js';
import { type ImageEntry, LEFT_OUT, type Nodes, nodesOf } from './nodes.js';
import { type Places, placesOf } from './places.js';
import { inodesAndBlocks, type Layout } from './write.js';

export type { ImageEntry } from './nodes.js';

export interface ImageOptions {
  /** Sixteen bytes by which the file system is known. */
  uuid: Uint8Array;
  /** 9 to 12: the size of a block, a power of two. Contents in devices begin at multiples of it. */
  blockBits: number;
  /** Tells where the content of a file lies that is not empty; `inside`: contents follow in the image. */
  contents: AddressOf | 'inside';
}

export interface ErofsImage {
  /** Bytes of all, contents included that lie inside. */
  size: number;
  inodes: number;
  /** Files with contents, in the order in which a mount is given them. */
  devices: readonly string[];
  /** Directories with contents, for the overlay that the image is mounted below. */
  layers: readonly string[];
  /** The image but for contents, in pieces. */
  metadata(): Generator<Buffer>;
  /** Contents inside, each once, as they follow the metadata; each is filled up with zeros to the end of its block. */
  contents: readonly ImageEntry[];
  /** What the image does not hold, by path and kind. */
  skipped: readonly { path: string; kind: SkippedKind }[];
}

/**
 * @param entries in byte order of their paths, the root first, as a plan has them
 * @throws CairnError `ERR_UNSUPPORTED` for a tree that needs more devices or blocks than the format can name
 */
export function erofsImage(entries: readonly ImageEntry[], { uuid, blockBits, ...options }: ImageOptions): ErofsImage {
  const block = 2 ** blockBits;
  const nodes = nodesOf(entries, options.contents !== 'inside');
  const contents = new Contents(block, options.contents);
  const places = placesOf(nodes, block, contents);
  const firstMetaBlock = headerBytes(contents.devices.length, blockBits) / block;
  const firstDataBlock = firstMetaBlock + Math.ceil(places.inodeBytes / block);
  const firstContentBlock = firstDataBlock + places.blocks;
  const blocks = firstContentBlock + contents.insideBlocks;
  if (blocks >= NO_BLOCK) {
    throw new CairnError('ERR_UNSUPPORTED', `an image of ${blocks} blocks: EROFS can name no more than ${NO_BLOCK}`);
  }
  const layout: Layout = { nodes, places, firstMetaBlock, firstDataBlock, firstContentBlock };
  const { devices, deviceBlocks, layers, inside } = contents;
  const root = places.slot[0] as number;
  const inodes = places.order.length;
  return {
    size: blocks * block,
    inodes,
    devices,
    layers,
    contents: inside,
    skipped: skippedIn(nodes, places),
    *metadata() {
      yield header({ blockBits, root, inodes, blocks, firstMetaBlock, uuid, devices: deviceBlocks });
      yield* inodesAndBlocks(layout);
    },
  };
}

function skippedIn({ entries, inodeOf }: Nodes, { xattrs }: Places): ErofsImage['skipped'] {
  const skipped: { path: string; kind: SkippedKind }[] = [];
  entries.forEach(({ path }, i) => {
    if (inodeOf[i] === LEFT_OUT) skipped.push({ path: toText(path), kind: 'device' });
    else if (inodeOf[i] === i)
      for (const name of xattrs.get(i)?.skipped ?? []) skipped.push({ path: toText(path), kind: `xattr ${name}` });
  });
  return skipped;
}
