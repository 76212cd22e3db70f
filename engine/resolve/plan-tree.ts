/** The layers and the plan by which a tree was made, whatever its image would give today. */
import { documentReader } from '../content/read-blob.js';
import type { TreeRecord } from '../index/records.js';
import type { Plan } from '../plan/plan.js';
import type { StoreContext } from '../session/context.js';
import { dependencyNodesAlong } from './dependencies.js';
import type { LayerStack } from './layer-stack.js';
import { planOf, type ReadTocOf } from './plan-image.js';

/** @returns `undefined` when an image of the tree is gone */
export function stackOfTree(store: StoreContext, { id, layers }: TreeRecord): LayerStack | undefined {
  const nodes = dependencyNodesAlong(store.index, layers);
  return nodes === undefined ? undefined : { nodes, layers, treeId: id, documents: documentReader(store) };
}

/**
 * @param tocOf gives tables of contents; by default they are read
 * @returns `undefined` when an image of the tree is gone
 * @throws CairnError `ERR_DAMAGED` when a table of contents or a manifest cannot be read
 */
export function planOfTree(store: StoreContext, tree: TreeRecord, tocOf?: ReadTocOf): Plan | undefined {
  const stack = stackOfTree(store, tree);
  return stack === undefined ? undefined : planOf(store, stack, tocOf);
}
