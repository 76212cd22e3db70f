/** How the manifest of a pod names the image of an app. */
import { isACIdentifier, labelsFault } from '../image/aci/names.js';
import type { RuntimeImage } from '../image/aci/pod.js';
import { referencesOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';

/**
 * The image's key, its name and its labels. A name and labels that appc has no words for, such as the port of a
 * registry, are left out: the key alone decides.
 */
export function runtimeImageOf(image: ImageRecord): RuntimeImage {
  const [{ name, labels } = image] = referencesOf(image);
  const isNamed = isACIdentifier(name);
  return {
    id: image.key,
    ...(isNamed ? { name } : {}),
    labels: isNamed && labelsFault(labels) === undefined ? [...labels] : [],
  };
}
