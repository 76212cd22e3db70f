/** The layers that an image's tree is made of, and the tree's id. */
import type { ReadDocument } from '../content/read-blob.js';
import { documentReader } from '../content/read-blob.js';
import type { Key } from '../core/key.js';
import { lookupIn } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { treeIdOf } from '../plan/tree-hash.js';
import type { StoreContext } from '../session/context.js';
import { type DependencyNode, dependencyNodesOf } from './dependencies.js';
import { readableImages } from './readable-images.js';

/** The layers that an image's tree is made of. */
export interface LayerStack {
  nodes: DependencyNode[];
  /** Layer keys in priority order: for an ACI one for each node, for an OCI image from the top. */
  layers: Key[];
  treeId: string;
  /** Reads the manifests of the images. */
  documents: ReadDocument;
}

/** @throws CairnError `ERR_NOT_FOUND`, `ERR_DEPENDENCY_CYCLE`, `ERR_LIMIT` */
export function layerStackOf(store: StoreContext, image: ImageRecord, documents = documentReader(store)): LayerStack {
  return stackOf(dependencyNodesOf(readableImages(store, { documents }), image, store.limits), documents);
}

/** As {@link layerStackOf}, by the index alone. Reads no manifest, so a damaged one may be among them. */
export function listedStackOf(store: StoreContext, image: ImageRecord): LayerStack {
  return stackOf(dependencyNodesOf(lookupIn(store.index), image, store.limits), documentReader(store));
}

function stackOf(nodes: DependencyNode[], documents: ReadDocument): LayerStack {
  const layers = nodes.flatMap(({ image }) => image.layers.toReversed());
  return { nodes, layers, treeId: treeIdOf(layers), documents };
}
