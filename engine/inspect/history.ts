/** The steps that made an image. */
import { readBlob } from '../content/read-blob.js';
import { parseImageManifest } from '../image/aci/manifest.js';
import { parseConfig } from '../image/oci/documents.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';

export interface HistoryStep {
  /** RFC 3339; null where nobody noted it. */
  created: string | null;
  createdBy: string;
  comment: string;
  /** Whether the step made no layer. */
  empty: boolean;
  /** Bytes of its layer's uncompressed tar; 0 for an empty step. */
  size: number;
}

/**
 * The steps, the first one first. An ACI is one step. Layers that the history of an OCI image does not tell of are
 * steps of their own, after the others.
 * @throws CairnError `ERR_DAMAGED`
 */
export function historyOf(store: StoreContext, image: ImageRecord): HistoryStep[] {
  const sizes = image.layers.map((key) => store.index.layer(key)?.size ?? 0);
  if (image.config === undefined) {
    const { annotations } = parseImageManifest(readBlob(store, image.manifest), store.limits);
    const created = annotations.find(({ name }) => name === 'created')?.value ?? null;
    return [{ ...UNTOLD, created, size: sizes[0] ?? 0 }];
  }
  const steps = parseConfig(readBlob(store, image.config), store.limits).history.map(
    ({ created = null, createdBy = '', comment = '', emptyLayer }) => {
      const size = emptyLayer ? 0 : (sizes.shift() ?? 0);
      return { created, createdBy, comment, empty: emptyLayer, size };
    },
  );
  return [...steps, ...sizes.map((size) => ({ ...UNTOLD, size }))];
}

const UNTOLD = { created: null, createdBy: '', comment: '', empty: false };
