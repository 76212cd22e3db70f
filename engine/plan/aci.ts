/** Plans the tree of an App Container Image over its dependencies (semantics: order, masking, whitelists, links). */
import type { ByteString } from '../core/bytes.js';
import type { TocEntry } from '../layer/toc.js';
import { MergeTree } from './merge-tree.js';
import type { Plan } from './plan.js';
import { compileWhitelist, survivors, type Whitelist, type WhitelistNode } from './whitelist.js';

/** An image at its place in the dependency tree, in the form for the planner. */
export interface AciNode {
  toc: readonly TocEntry[];
  /** Its image's whitelist: the same array at every place where the image stands. */
  pathWhitelist: readonly string[];
  /** Position of the image that depends on this one, in the list of nodes; -1 for the top image. */
  dependent: number;
}

/**
 * @param nodes in priority order: the image itself, then its dependencies depth-first, a manifest's last one first.
 *   `layer` of the plan's entries counts in this order.
 * @throws CairnError `ERR_LIMIT`
 */
export function planAci(nodes: readonly AciNode[]): Plan {
  const filtered = withWhitelists(nodes);
  const kept = survivors(filtered);
  const tree = new MergeTree();
  for (let layer = nodes.length - 1; layer >= 0; layer--) {
    mergeLayer(tree, (nodes[layer] as AciNode).toc, kept[layer], layer);
  }
  return tree.plan();
}

function withWhitelists(nodes: readonly AciNode[]): WhitelistNode[] {
  const chains: (readonly Whitelist[])[] = [];
  /** Whitelists compiled once for each image, which may stand at many nodes. Each node has its own reached paths. */
  const compiled = new Map<readonly string[], Whitelist | undefined>();
  return nodes.map(({ toc, pathWhitelist, dependent }, i) => {
    const above = dependent < 0 ? [] : (chains[dependent] as readonly Whitelist[]);
    if (!compiled.has(pathWhitelist)) compiled.set(pathWhitelist, compileWhitelist(pathWhitelist));
    const own = compiled.get(pathWhitelist);
    const whitelists = own === undefined ? above : [...above, { paths: own.paths, reached: new Set<ByteString>() }];
    chains[i] = whitelists;
    return { toc, whitelists };
  });
}

function mergeLayer(tree: MergeTree, toc: readonly TocEntry[], kept: Uint8Array | undefined, layer: number): void {
  let byPath: Map<ByteString, TocEntry> | undefined;
  toc.forEach((entry, index) => {
    if (kept !== undefined && kept[index] === 0) return;
    if (entry.type === 'dir') {
      tree.putDirectory(entry.path, entry, layer);
      return;
    }
    if (entry.type !== 'hardlink') {
      tree.putLeaf(entry.path, entry, layer);
      return;
    }
    // A link means the target as the link's own layer has it, even if the target's name does not survive.
    byPath ??= new Map(toc.map((each) => [each.path, each]));
    const target = byPath.get(entry.link) as TocEntry;
    tree.markLinked(target);
    tree.putLeaf(entry.path, target, layer);
  });
}
