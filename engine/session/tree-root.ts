/** Where the root of a tree is, or will be when the tree is mounted. */
import { mountPoint } from '../disk/tree-use.js';
import type { TreeRecord } from '../index/records.js';
import type { StoreContext } from './context.js';

export function treeRoot({ layout }: StoreContext, { id, mode }: Pick<TreeRecord, 'id' | 'mode'>): string {
  return mode === 'mount' ? mountPoint(layout, id) : layout.rootfs(id);
}
