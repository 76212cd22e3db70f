/** Reads the document in which an image says how it runs. */
import type { ReadDocument } from '../content/read-blob.js';
import type { Key } from '../core/key.js';
import { parseImageManifest } from '../image/aci/manifest.js';
import { parseConfig } from '../image/oci/config.js';
import { parseDocument } from '../image/oci/documents.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import type { ImageSays } from './prepared.js';

/** @throws CairnError `ERR_DAMAGED` */
export function saysOf({ limits }: StoreContext, image: ImageRecord, documents: ReadDocument): ImageSays {
  const manifest = documents(image.manifest);
  if (image.format === 'aci') return { format: 'aci', manifest: parseImageManifest(manifest, limits) };
  const document = parseDocument(manifest, limits);
  const config = parseConfig(documents(image.config as Key), limits);
  return { format: 'oci', config, annotations: document.kind === 'manifest' ? document.annotations : {} };
}
