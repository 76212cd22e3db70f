/** Finds the pod that a person's argument means, and gives its directory's contents, checked. */
import { readPodManifest } from '../content/pod-files.js';
import { documentReader } from '../content/read-blob.js';
import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import { MAX_CANDIDATES } from '../core/limits.js';
import type { OperationOptions } from '../core/operation.js';
import type { RuntimeApp } from '../image/aci/pod.js';
import { parsePodManifest } from '../image/aci/pod-manifest.js';
import type { Index } from '../index/open.js';
import type { ImageRecord, PodRecord } from '../index/records.js';
import { ambiguous } from '../resolve/argument.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import type { StoreContext } from '../session/context.js';
import { saysOf } from './image-says.js';
import { isTreeThere, makePodTree } from './pod-tree.js';
import type { PreparedPod } from './prepared.js';

const SHORTEST = 2;

/**
 * The pod whose id this is, or is the beginning of.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, `ERR_KEY_SYNTAX`, `ERR_KEY_TOO_SHORT`
 */
export function findPod({ pods }: Pick<Index, 'pods'>, argument: string): PodRecord {
  const prefix = argument.toLowerCase();
  if (!/^[0-9a-f-]*$/.test(prefix))
    throw new CairnError('ERR_KEY_SYNTAX', `${argument}: a pod is called by its UUID, or the beginning of that`);
  if (prefix.length < SHORTEST)
    throw new CairnError('ERR_KEY_TOO_SHORT', `${argument}: give at least ${SHORTEST} digits`);
  const range = { start: prefix, end: `${prefix}g`, limit: MAX_CANDIDATES + 1 };
  const [found, ...others] = [...pods.values(range)];
  if (found === undefined) throw new CairnError('ERR_NOT_FOUND', `no pod ${argument}`, { entry: argument });
  if (others.length > 0)
    throw ambiguous(
      argument,
      [found, ...others].map(({ id }) => id),
    );
  return found;
}

/**
 * A listed pod, ready to be bundled. Trees that are gone, as in a backup, are rendered again, if they can be.
 * @throws CairnError `ERR_DAMAGED` naming the app or the file
 */
export async function loadPod(
  store: StoreContext,
  pod: PodRecord,
  options: OperationOptions = {},
): Promise<PreparedPod> {
  const { layout, limits } = store;
  const manifest = parsePodManifest(readPodManifest(layout, pod), limits);
  const documents = documentReader(store);
  const apps: PreparedPod['apps'] = [];
  for (const { name, image: key, treeId } of pod.apps) {
    const runtime = manifest.apps.find((app) => app.name === name) as RuntimeApp;
    const image = store.index.image(key);
    if (image === undefined)
      throw new CairnError('ERR_DAMAGED', `app ${name}: its image ${key} is gone`, { entry: name });
    await treeAgain(store, { name, image, treeId }, options);
    apps.push({
      name,
      runtime,
      image: key,
      says: saysOf(store, image, documents),
      treeId,
      rootfs: layout.rootfs(treeId),
    });
  }
  return { id: pod.id, dir: layout.pod(pod.id), manifest, apps };
}

async function treeAgain(
  store: StoreContext,
  { name, image, treeId }: { name: string; image: ImageRecord; treeId: string },
  { signal, onProgress }: OperationOptions,
): Promise<void> {
  if (isTreeThere(store, treeId, false)) return;
  const now = layerStackOf(store, image).treeId;
  if (now !== treeId)
    throw new CairnError('ERR_DAMAGED', `app ${name}: its tree is gone, and its image gives another one now`, {
      entry: name,
      expected: treeId,
      found: now,
    });
  await makePodTree(store, image, { mayMount: false, ...defined({ signal, onProgress }) });
}
