/** Makes the manifest of a pod of what somebody asks: images found, keys, names and labels filled in. */
import { documentReader } from '../content/read-blob.js';
import { CairnError, throwIfAborted } from '../core/errors.js';
import { MAX_POD_APPS } from '../core/limits.js';
import { quoted } from '../core/printable.js';
import { AC_VERSION } from '../image/aci/common-fields.js';
import type { PodManifest } from '../image/aci/pod.js';
import { parsePodManifest } from '../image/aci/pod-manifest.js';
import { forwardedPorts } from '../image/aci/pod-ports.js';
import { podManifestFrom } from '../image/aci/write-pod.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import { saysOf } from './image-says.js';
import type { PodRequest } from './request.js';
import { type FoundImage, ownApp, pairsFrom, runtimeAppFrom } from './runtime-app.js';
import { runtimeImageOf } from './runtime-image.js';

export interface MakeRequest {
  /** Finds the image that an argument means. */
  find: (argument: string) => Promise<ImageRecord>;
  signal?: AbortSignal;
}

/**
 * @throws CairnError `ERR_USAGE` for what does not fit together, `ERR_BAD_MANIFEST` for values that no manifest may
 *   have, and as `find` does
 */
export async function makePodManifest(
  store: StoreContext,
  asked: PodRequest,
  { find, signal }: MakeRequest,
): Promise<PodManifest> {
  if (asked.apps.length === 0) throw new CairnError('ERR_USAGE', 'a pod needs at least one image');
  if (asked.apps.length > MAX_POD_APPS) throw new CairnError('ERR_USAGE', `a pod has at most ${MAX_POD_APPS} apps`);
  const documents = documentReader(store);
  const found: FoundImage[] = [];
  for (const { image: argument } of asked.apps) {
    throwIfAborted(signal);
    const image = await find(argument);
    found.push({ image: runtimeImageOf(image), says: saysOf(store, image, documents) });
  }
  const apps = asked.apps.map((app, i) => runtimeAppFrom(app, found[i] as FoundImage, asked));
  checkNames(apps.map(({ name }) => name));
  const document = podManifestFrom({
    acVersion: AC_VERSION,
    apps,
    volumes: [...(asked.volumes ?? [])],
    isolators: [...(asked.isolators ?? [])],
    annotations: pairsFrom(asked.annotations),
    ports: [...(asked.ports ?? [])],
    userAnnotations: { ...asked.userAnnotations },
    userLabels: { ...asked.userLabels },
  });
  // Read as bytes, so that whoever gets the manifest can read it, too.
  const manifest = parsePodManifest(Buffer.from(JSON.stringify(document)), store.limits);
  forwardedPorts(manifest, (i) => apps[i]?.app ?? ownApp(found[i] as FoundImage));
  return manifest;
}

function checkNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      throw new CairnError('ERR_USAGE', `multiple apps with name ${quoted(name)}; --name gives one another`);
    }
    seen.add(name);
  }
}
