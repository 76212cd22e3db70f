/** Filters entries of images by the path whitelists at and above them (appc spec 0.8.11, "pathWhitelist"). */
import { type ByteString, fromText } from '../core/bytes.js';
import { parentOf } from '../core/path.js';
import type { TocEntry } from '../layer/toc.js';

export interface Whitelist {
  paths: ReadonlySet<ByteString>;
  /** Directories with a surviving path below them, found while filtering. */
  reached: Set<ByteString>;
}

/** An image at its place in the dependency tree, with the whitelists that filter it: its own and all above it. */
export interface WhitelistNode {
  toc: readonly TocEntry[];
  whitelists: readonly Whitelist[];
}

/** Reads a manifest's whitelist; `undefined` for an empty one, which filters nothing. */
export function compileWhitelist(paths: readonly string[]): Whitelist | undefined {
  if (paths.length === 0) return undefined;
  const cleaned = new Set<ByteString>();
  for (const path of paths) cleaned.add(cleanListed(fromText(path)));
  return { paths: cleaned, reached: new Set() };
}

/** A listed path without leading, trailing and doubled slashes. `..` is resolved by name and stops at the root. */
function cleanListed(path: ByteString): ByteString {
  if (!/(^|\/)\.{0,2}(\/|$)/.test(path.slice(1))) return path.startsWith('/') ? path.slice(1) : path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/**
 * Marks the surviving entries of each node; `undefined` for a node whose entries all survive. A directory survives if
 * it is listed, or if a surviving path lies below it among the images that the same whitelist filters.
 */
export function survivors(nodes: readonly WhitelistNode[]): (Uint8Array | undefined)[] {
  const kept = nodes.map((node) => (node.whitelists.length === 0 ? undefined : new Uint8Array(node.toc.length)));
  const directories: { node: number; index: number; depth: number }[] = [];
  nodes.forEach(({ toc, whitelists }, node) => {
    const mask = kept[node];
    if (mask === undefined) return;
    toc.forEach((entry, index) => {
      if (entry.type === 'dir') directories.push({ node, index, depth: depthOf(entry.path) });
      else if (whitelists.every((list) => list.paths.has(entry.path))) {
        mask[index] = 1;
        reach(entry.path, whitelists);
      }
    });
  });
  // Deepest first: when a directory's turn comes, everything below it is settled.
  directories.sort((a, b) => b.depth - a.depth);
  for (const { node, index } of directories) {
    const { toc, whitelists } = nodes[node] as WhitelistNode;
    const { path } = toc[index] as TocEntry;
    if (path === '' || whitelists.every((list) => list.paths.has(path) || list.reached.has(path))) {
      (kept[node] as Uint8Array)[index] = 1;
      reach(path, whitelists);
    }
  }
  return kept;
}

function reach(path: ByteString, whitelists: readonly Whitelist[]): void {
  for (const { reached } of whitelists) {
    for (let parent = parentOf(path); parent !== '' && !reached.has(parent); parent = parentOf(parent))
      reached.add(parent);
  }
}

function depthOf(path: ByteString): number {
  let depth = path === '' ? 0 : 1;
  for (let i = path.indexOf('/'); i >= 0; i = path.indexOf('/', i + 1)) depth++;
  return depth;
}
