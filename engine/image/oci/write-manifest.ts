/** Manifests that the store writes itself. */
import { type ChosenImage, digestOf } from '../../import/source/choose-image.js';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from './media-types.js';

export interface WrittenDescriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

/** The bytes of an OCI manifest; the same for the same parts. */
export function writeManifest(config: WrittenDescriptor, layers: readonly WrittenDescriptor[]): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }));
}

/** The manifest of an image that came without one: its layers as uncompressed tars. @param sizes in bytes, one a layer */
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
