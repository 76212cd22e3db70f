/** Describes a tree that was rendered, mounted or found. */
import type { ImageRecord, TreeMode, TreeRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import { treeRoot } from '../session/tree-root.js';
import type { Rendered } from './options.js';

export interface Described {
  image: ImageRecord;
  existed: boolean;
  /** When the operation began, as `performance.now()` says it. */
  begun: number;
  /** As it was asked for. */
  mode: TreeMode | undefined;
  /** Where it was asked to be. */
  path?: string | undefined;
}

/** Whether a tree is asked for as a mount, or is there as nothing else. */
export function isToBeMounted(mode: TreeMode | undefined, tree: TreeRecord | undefined): boolean {
  return (mode ?? tree?.mode) === 'mount';
}

export function describeTree(store: StoreContext, tree: TreeRecord, described: Described): Rendered {
  const { image, existed, begun } = described;
  const mode = isToBeMounted(described.mode, tree) ? 'mount' : tree.mode;
  return {
    image: image.key,
    treeId: tree.id,
    path: described.path ?? treeRoot(store, { ...tree, mode }),
    hash: tree.hash,
    files: tree.files,
    bytes: tree.bytes,
    uniqueBytes: tree.uniqueBytes,
    mode,
    existed,
    skipped: mode === 'mount' ? (tree.image?.skipped ?? {}) : tree.skipped,
    ...(tree.image === undefined ? {} : { imageBytes: tree.image.size }),
    ms: Math.round(performance.now() - begun),
  };
}
