/** Makes the bundle of an image: as that of a pod with one app, which runs as its image says. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { documentReader } from '../../content/read-blob.js';
import { parsePodManifest } from '../../image/aci/pod-manifest.js';
import { referencesOf } from '../../index/images.js';
import type { ImageRecord, TreeRecord } from '../../index/records.js';
import type { StoreContext } from '../../session/context.js';
import { mustBeApart } from '../../session/destination.js';
import { saysOf } from '../image-says.js';
import type { PreparedApp } from '../prepared.js';
import { bundleApps } from './bundle-pod.js';
import type { Bundle, BundleOptions } from './options.js';

export interface BundledImage {
  image: ImageRecord;
  /** The image's tree, which the caller holds for as long as the bundle is there. */
  tree: Pick<TreeRecord, 'id'>;
}

/**
 * Makes the bundle at DIR itself.
 * @throws CairnError as `bundlePod` does
 */
export async function bundleImage(
  store: StoreContext,
  { image, tree }: BundledImage,
  dir: string,
  options: BundleOptions = {},
): Promise<Bundle> {
  mustBeApart(store, resolve(dir));
  const name = appName(image);
  const raw = { acVersion: '0.8.11', acKind: 'PodManifest', apps: [{ name, image: { id: image.key } }] };
  const manifest = parsePodManifest(Buffer.from(JSON.stringify(raw)), store.limits);
  const id = randomUUID();
  const app: PreparedApp = {
    ...{ name, image: image.key, treeId: tree.id, rootfs: store.layout.rootfs(tree.id) },
    runtime: manifest.apps[0] as PreparedApp['runtime'],
    says: saysOf(store, image, documentReader(store)),
  };
  const pod = { id, dir, manifest, apps: [app] };
  const [bundle] = await bundleApps(store, pod, dir, { hostname: name, ...options, dirOf: (podDir) => podDir });
  return bundle as Bundle;
}

/** The last part of the image's name, as a name of an app; `app` for an image without a name. */
function appName(image: ImageRecord): string {
  const name = referencesOf(image)[0]?.name ?? '';
  const last = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  return (
    last
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, MOST_CHARACTERS)
      .replace(/-$/, '') || 'app'
  );
}

/** The app's name is its host's, too. */
const MOST_CHARACTERS = 63;
