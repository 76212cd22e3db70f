/** The manifest of a pod that has one app for each of some images, as each of them says. */
import type { PodManifest } from '../image/aci/pod.js';
import { parsePodManifest } from '../image/aci/pod-manifest.js';
import { referencesOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import { runtimeImageOf } from './runtime-image.js';

/** Apps are named after their images; a second one of a name gets a number. */
export function manifestOfImages({ limits }: StoreContext, images: readonly ImageRecord[]): PodManifest {
  const taken = new Set<string>();
  const apps = images.map((image) => ({ name: freeName(appName(image), taken), image: runtimeImageOf(image) }));
  const raw = { acVersion: '0.8.11', acKind: 'PodManifest', apps };
  return parsePodManifest(Buffer.from(JSON.stringify(raw)), limits);
}

function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}-${n}`;
  taken.add(free);
  return free;
}

/** The last part of the image's name; `app` for an image without one. */
function appName(image: ImageRecord): string {
  const name = referencesOf(image)[0]?.name ?? '';
  const last = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  return last.replace(/[^a-z0-9-]/g, '-').replace(/^-+|(?<!-)-+$/g, '') || 'app';
}
