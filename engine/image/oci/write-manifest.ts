/** Writes the manifest of an OCI image (OCI image spec, image manifest). */
import { OCI_MANIFEST } from './media-types.js';

export interface WrittenDescriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

/** The same bytes for the same parts. */
export function writeManifest(
  config: WrittenDescriptor,
  layers: readonly WrittenDescriptor[],
  annotations: Readonly<Record<string, string>> = {},
): Buffer {
  const noted = Object.keys(annotations).length === 0 ? {} : { annotations };
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, ...noted }));
}
