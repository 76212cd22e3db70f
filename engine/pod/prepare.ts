/**
 * Prepares a pod: from its manifest to a directory that is listed.
 *
 * manifest → images found → dependencies here → trees rendered → directory staged → sync → rename → sync → index
 *
 * The row in the index keeps images and trees from being collected. It is committed only if all of them are still
 * there, so nothing that a listed pod needs is ever gone.
 */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { discard } from '../content/delete.js';
import { encodePodRecord } from '../content/pod-files.js';
import { documentReader, type ReadDocument } from '../content/read-blob.js';
import { defined } from '../core/defined.js';
import { CairnError, throwIfAborted } from '../core/errors.js';
import { type FindOptions, findingOf } from '../core/finding.js';
import { type Key, keyOfBytes } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import { moveAside, moveIntoPlace, syncDirectory, syncFile } from '../disk/durable.js';
import { besideStaging, manifestIn, podRecordIn } from '../disk/layout.js';
import type { PodManifest } from '../image/aci/pod.js';
import { parsePodManifest } from '../image/aci/pod-manifest.js';
import { noteEvent } from '../index/events.js';
import { titleOf } from '../index/images.js';
import { putPod } from '../index/pods.js';
import type { ImageRecord, PodRecord, TreeRecord } from '../index/records.js';
import { mustBeComplete } from '../resolve/completeness.js';
import type { LayerStack } from '../resolve/layer-stack.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { canMountTrees } from '../session/modes.js';
import { treeRoot } from '../session/tree-root.js';
import { type FindImage, findAppImage } from './app-images.js';
import { stackWithDependencies } from './dependencies-here.js';
import { saysOf } from './image-says.js';
import { isTreeThere, makePodTree } from './pod-tree.js';
import type { PreparedPod } from './prepared.js';
import { withWholeIds } from './whole-ids.js';

/** By default images and dependencies are fetched that are missing here. */
export interface PrepareOptions extends OperationOptions, FindOptions {}

export interface PrepareRequest extends PrepareOptions {
  find: FindImage;
  /** The caller runs the pod at once, and holds its lock. The pod goes when it ends. */
  transient?: boolean;
  /** The pod's id; a new one by default. */
  id?: string;
}

/** How often trees are rendered again that others remove before the pod is listed. */
const TRIES = 4;

/** The image of an app, and what its tree is made of. */
interface AppImage {
  image: ImageRecord;
  stack: LayerStack;
}

/**
 * @param given the manifest, parsed or as bytes; of a parsed one, what it was parsed from counts
 * @throws CairnError `ERR_BAD_MANIFEST`, `ERR_NOT_FOUND`, `ERR_NAME_MISMATCH`, `ERR_AMBIGUOUS_KEY`, and as renders do
 */
export async function preparePod(
  store: StoreContext,
  given: PodManifest | Uint8Array,
  request: PrepareRequest,
): Promise<PreparedPod> {
  mustWrite(store);
  const bytes = given instanceof Uint8Array ? given : Buffer.from(JSON.stringify(given.raw));
  const manifest = parsePodManifest(bytes, store.limits);
  if (manifest.apps.length === 0) throw new CairnError('ERR_BAD_MANIFEST', 'a pod without apps', { entry: 'apps' });
  return store.uses.during(request.signal, async () => {
    const documents = documentReader(store);
    const images = await findImages(store, manifest, documents, request);
    const keys = manifest.apps.map(({ name }) => (images.get(name) as AppImage).image.key);
    const whole = withWholeIds(bytes, manifest, keys);
    const now = Date.now();
    const pod: PodRecord = {
      id: request.id ?? randomUUID(),
      apps: manifest.apps.map(({ name }) => appRow(name, images.get(name) as AppImage)),
      manifest: { key: keyOfBytes(whole), size: whole.length },
      createdAt: now,
      ...(request.transient === true ? { startedAt: now, transient: true } : {}),
    };
    await list(store, pod, whole, { images, documents, request });
    return describe(store, pod, whole === bytes ? manifest : parsePodManifest(whole, store.limits), {
      images,
      documents,
    });
  });
}

function appRow(name: string, { image, stack }: AppImage): PodRecord['apps'][number] {
  return { name, image: image.key, treeId: stack.treeId };
}

/** @returns by app */
async function findImages(
  store: StoreContext,
  manifest: PodManifest,
  documents: ReadDocument,
  { find, signal, ...options }: PrepareRequest,
): Promise<Map<string, AppImage>> {
  const found = new Map<string, AppImage>();
  const stacks = new Map<Key, LayerStack>();
  const finding = { ...findingOf({ ...options, ...defined({ signal }) }), pull: options.pull ?? ('missing' as const) };
  for (const app of manifest.apps) {
    throwIfAborted(signal);
    const image = await findAppImage(store, app, find, finding);
    const stack = stacks.get(image.key) ?? (await stackWithDependencies(store, image, documents, { find, ...finding }));
    mustBeComplete(store, stack);
    stacks.set(image.key, stack);
    found.set(app.name, { image, stack });
  }
  return found;
}

interface Listing {
  images: ReadonlyMap<string, AppImage>;
  documents: ReadDocument;
  request: PrepareRequest;
}

async function list(store: StoreContext, pod: PodRecord, manifest: Uint8Array, listing: Listing): Promise<void> {
  const { index, layout, staging } = store;
  const staged = staging.make();
  const { unwanted } = besideStaging(staged);
  try {
    await makeTrees(store, listing);
    stage(staged, pod, manifest);
    place(store, pod, staged);
    // A gc that takes a tree just now was faster; its render is repeated.
    for (let tries = TRIES; !(await index.commit(() => putIfWhole(store, pod))); tries--) {
      if (tries <= 1) throw new CairnError('ERR_NOT_FOUND', 'trees of the pod were removed again and again meanwhile');
      index.refresh();
      await makeTrees(store, listing);
    }
  } catch (error) {
    if (isUnlisted(store, pod.id)) moveAside(layout.pod(pod.id), unwanted);
    throw error;
  } finally {
    // Nothing is left of a pod that is listed, and a thread need not start to find that out.
    await discard(store, [staged, unwanted].filter(fs.existsSync));
  }
}

/** An index that has failed cannot be read any more, and may list the pod. */
function isUnlisted({ index }: StoreContext, id: string): boolean {
  try {
    return index.pods.get(id) === undefined;
  } catch {
    return false;
  }
}

async function makeTrees(store: StoreContext, { images, documents, request }: Listing): Promise<void> {
  const { signal, onProgress } = request;
  const mayMount = request.transient === true && canMountTrees(store);
  for (const { image, stack } of new Map([...images.values()].map((each) => [each.image.key, each])).values()) {
    // Finding a tree here rather than by a render spares a commit: the use is noted with the pod's row.
    if (isTreeThere(store, stack.treeId, mayMount)) continue;
    const treeId = await makePodTree(store, image, { mayMount, documents, ...defined({ signal, onProgress }) });
    if (treeId !== stack.treeId)
      throw new CairnError('ERR_NOT_FOUND', `${titleOf(image)}: its dependencies changed meanwhile; try again`);
  }
}

function stage(dir: string, pod: PodRecord, manifest: Uint8Array): void {
  fs.writeFileSync(manifestIn(dir), manifest, { mode: 0o600 });
  fs.writeFileSync(podRecordIn(dir), encodePodRecord(pod), { mode: 0o600 });
  if (pod.transient === true) return;
  for (const path of [manifestIn(dir), podRecordIn(dir), dir]) syncFile(path);
}

function place({ layout }: StoreContext, pod: PodRecord, staged: string): void {
  moveIntoPlace(staged, layout.pod(pod.id));
  if (pod.transient !== true) syncDirectory(layout.pods);
}

/** Runs inside a transaction. @returns false, having done nothing, if a tree is gone */
function putIfWhole({ index }: StoreContext, pod: PodRecord): boolean {
  const trees = pod.apps.map(({ treeId }) => index.trees.get(treeId));
  if (trees.includes(undefined)) return false;
  const lastUsed = pod.createdAt;
  pod.apps.forEach(({ image: key }, i) => {
    const image = index.image(key);
    if (image === undefined) throw new CairnError('ERR_NOT_FOUND', `image ${key} was removed meanwhile`);
    index.images.put(key, { ...image, lastUsed });
    const tree = trees[i] as TreeRecord;
    index.trees.put(tree.id, { ...tree, images: [...new Set([...tree.images, key])], lastUsed });
  });
  putPod(index, pod);
  noteEvent(index, { event: 'prepared', pod: pod.id });
  if (pod.startedAt !== undefined) noteEvent(index, { event: 'started', pod: pod.id });
  return true;
}

function describe(
  store: StoreContext,
  { id, apps }: PodRecord,
  manifest: PodManifest,
  { images, documents }: Pick<Listing, 'images' | 'documents'>,
): PreparedPod {
  return {
    id,
    dir: store.layout.pod(id),
    manifest,
    apps: manifest.apps.map((runtime, i) => {
      const { image, stack } = images.get(runtime.name) as AppImage;
      return {
        name: runtime.name,
        runtime,
        image: image.key,
        says: saysOf(store, image, documents),
        treeId: (apps[i] as PodRecord['apps'][number]).treeId,
        rootfs: treeRoot(store, store.index.trees.get(stack.treeId) ?? { id: stack.treeId, mode: 'link' }),
      };
    }),
  };
}
