/** Writes whole keys into a pod's manifest in place of what its images' IDs begin with. */
import type { Key } from '../core/key.js';
import { isKey } from '../core/key.js';
import type { PodManifest } from '../image/aci/pod.js';
import type { JsonObject, JsonValue } from '../image/json.js';

/**
 * @param given the manifest's bytes
 * @param keys of the images of its apps, in their order
 * @returns the same bytes, if all IDs are whole already
 */
export function withWholeIds(given: Uint8Array, { apps, raw }: PodManifest, keys: readonly Key[]): Uint8Array {
  if (apps.every(({ image }) => isKey(image.id))) return given;
  const changed = structuredClone(raw);
  const listed = changed[keyIn(changed, 'apps')] as JsonValue[];
  listed.forEach((each, i) => {
    const app = each as JsonObject;
    const image = app[keyIn(app, 'image')] as JsonObject;
    image[keyIn(image, 'id')] = keys[i] as Key;
  });
  return Buffer.from(JSON.stringify(changed));
}

/** As reading a manifest does, this takes a field in whatever case it is written. */
function keyIn(object: JsonObject, name: string): string {
  return name in object ? name : (Object.keys(object).find((key) => key.toLowerCase() === name) as string);
}
