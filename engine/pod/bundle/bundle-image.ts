/** Makes the bundle of an image: as that of a pod with one app, which runs as its image says. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { documentReader } from '../../content/read-blob.js';
import { defined } from '../../core/defined.js';
import type { FindOptions } from '../../core/finding.js';
import type { RuntimeApp } from '../../image/aci/pod.js';
import type { ImageRecord, TreeRecord } from '../../index/records.js';
import type { StoreContext } from '../../session/context.js';
import { mustBeApart } from '../../session/destination.js';
import { saysOf } from '../image-says.js';
import { manifestOfImages } from '../manifest-of-images.js';
import type { PreparedApp } from '../prepared.js';
import { withCommand } from '../run/command.js';
import { bundleApps } from './bundle-pod.js';
import type { Bundle, BundleImageOptions } from './options.js';

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
  { exec, args, ...options }: Omit<BundleImageOptions, keyof FindOptions> = {},
): Promise<Bundle> {
  mustBeApart(store, resolve(dir));
  const manifest = manifestOfImages(store, [image]);
  const runtime = manifest.apps[0] as RuntimeApp;
  const id = randomUUID();
  const app: PreparedApp = {
    ...{ name: runtime.name, runtime, image: image.key },
    ...{ treeId: tree.id, rootfs: store.layout.rootfs(tree.id) },
    says: saysOf(store, image, documentReader(store)),
  };
  const pod = withCommand({ id, dir, manifest, apps: [app] }, { ...defined({ exec, args }), replace: true });
  const hostname = app.name.slice(0, MOST_CHARACTERS).replace(/-+$/, '');
  const [bundle] = await bundleApps(store, pod, dir, { hostname, ...options, dirOf: (podDir) => podDir });
  return bundle as Bundle;
}

/** Of a host's name (RFC 1035). */
const MOST_CHARACTERS = 63;
