/** The manifest of a pod that has one app for each of some images, as each of them says. */
import { AC_VERSION } from '../image/aci/common-fields.js';
import type { PodManifest } from '../image/aci/pod.js';
import { parsePodManifest } from '../image/aci/pod-manifest.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import { defaultName } from './runtime-app.js';
import { runtimeImageOf } from './runtime-image.js';

/** Apps are named after their images; a second one of a name gets a number. */
export function manifestOfImages({ limits }: StoreContext, images: readonly ImageRecord[]): PodManifest {
  const taken = new Set<string>();
  const apps = images.map(runtimeImageOf).map((image) => ({ name: freeName(defaultName(image), taken), image }));
  const raw = { acVersion: AC_VERSION, acKind: 'PodManifest', apps };
  return parsePodManifest(Buffer.from(JSON.stringify(raw)), limits);
}

function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}-${n}`;
  taken.add(free);
  return free;
}
