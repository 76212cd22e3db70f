/** The parts of a tree's directory: the files of the tree, the image that it is mounted from, or both. */
import * as fs from 'node:fs';
import type { Layout } from '../disk/layout.js';
import type { TreeRecord } from '../index/records.js';

/** @returns what is wrong; `undefined` if everything is there */
export function missingPart(layout: Layout, { id, mode, image }: TreeRecord): string | undefined {
  if (mode !== 'mount' && !fs.existsSync(layout.rootfs(id))) return 'missing';
  if (image !== undefined && !fs.existsSync(layout.treeImage(id))) return 'its image is missing';
  return mode === 'mount' && image === undefined ? 'it has no files and no image' : undefined;
}

/** Paths of parts that are not listed: a crash has left them. */
export function unlistedParts(layout: Layout, { id, mode, image }: TreeRecord): string[] {
  const parts = [
    ...(mode === 'mount' ? [layout.rootfs(id)] : []),
    ...(image === undefined ? [layout.treeImage(id)] : []),
  ];
  return parts.filter((path) => fs.existsSync(path));
}
