/** Makes an image's plan from its stack: reads tables of contents and whitelists, and merges them. */
import { readToc } from '../content/read-blob.js';
import type { Key } from '../core/key.js';
import type { FileContent } from '../core/object.js';
import { readPathWhitelist } from '../image/aci/manifest.js';
import type { TocEntry } from '../layer/toc.js';
import { type AciNode, planAci } from '../plan/aci.js';
import { planOci } from '../plan/oci.js';
import { type PackedPlan, packPlan } from '../plan/packed-plan.js';
import type { Plan } from '../plan/plan.js';
import type { StoreContext } from '../session/context.js';
import type { LayerStack } from './layer-stack.js';
import { removedMeanwhile } from './removed-meanwhile.js';

/** Gives a layer's table of contents. @throws CairnError `ERR_DAMAGED` */
export type ReadTocOf = (layer: Key) => readonly TocEntry[];

/**
 * @param readTocOf in place of reading each table of contents
 * @throws CairnError `ERR_NOT_FOUND` when one of the images was removed meanwhile; `ERR_DAMAGED` when a table of
 *   contents or a manifest cannot be read; `ERR_BAD_LINK` and `ERR_BAD_ARCHIVE` for OCI layers that make no tree on top
 *   of one another; `ERR_LIMIT` for layers that ask for more than any tree needs
 */
export function planOf(store: StoreContext, stack: LayerStack, readTocOf = readerOf(store)): Plan {
  try {
    if (stack.nodes[0]?.image.format === 'aci') return planAci(nodesWithTocs(store, stack, readTocOf));
    const tocOf = onceFor(readTocOf);
    return planOci(stack.layers.toReversed().map(tocOf));
  } catch (error) {
    throw removedMeanwhile(store, stack, error) ?? error;
  }
}

/** An ACI and its dependencies in the form for the planner. */
export function nodesWithTocs(
  store: StoreContext,
  { nodes, documents }: LayerStack,
  readTocOf = readerOf(store),
): AciNode[] {
  const tocOf = onceFor(readTocOf);
  const whitelistOf = onceFor((manifest: Key) => readPathWhitelist(documents(manifest)));
  return nodes.map(({ image, dependent }) => ({
    toc: tocOf(image.layers[0] as Key),
    dependent,
    pathWhitelist: image.filters ? whitelistOf(image.manifest) : [],
  }));
}

function readerOf(store: StoreContext): ReadTocOf {
  return (layer) => readToc(store, layer);
}

/** Reads each key's value once, and holds it once: an image may stand at a thousand nodes. */
function onceFor<T>(read: (key: Key) => T): (key: Key) => T {
  const known = new Map<Key, T>();
  return (key) => {
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}

/** A plan in the form for the workers of this store. */
export function packForWorkers(store: StoreContext, plan: Plan): PackedPlan {
  const { pool, objects, index } = store;
  const nameOf = (file: FileContent): string => objects.nameOf(file);
  return packPlan(plan, { anyLacks: index.anyLacks, workers: pool.size, nameOf });
}
