/** The manifest of an OCI image that came without one. */
import { digestOf } from '../core/key.js';
import { OCI_CONFIG, OCI_LAYER } from '../image/oci/media-types.js';
import { writeManifest } from '../image/oci/write-manifest.js';
import type { ChosenImage } from './source/choose-image.js';

/** Lists the layers as uncompressed tars. @param sizes in bytes, one a layer */
export function flatManifest(
  { config, layers }: Pick<ChosenImage, 'config' | 'layers'>,
  sizes: readonly number[],
): { bytes: Buffer; digest: string } {
  const bytes = writeManifest(
    { mediaType: OCI_CONFIG, digest: config.digest, size: config.bytes.length },
    layers.map(({ diffId }, i) => ({ mediaType: OCI_LAYER, digest: diffId, size: sizes[i] as number })),
  );
  return { bytes, digest: digestOf(bytes) };
}
