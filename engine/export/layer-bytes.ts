/** One layer's exact bytes: its tar, put together from its recipe and objects, or its archive that was kept. */
import type { ExportResult, Output, OutputCompression } from '../../workers/tasks/export.js';
import type { Control } from '../../workers/tasks/parts.js';
import { CairnError } from '../core/errors.js';
import { hexOf, type Key, keyOfHex } from '../core/key.js';
import type { StoreContext } from '../session/context.js';

export interface LayerOutput {
  control: Control;
  output: Output;
  compress: OutputCompression;
  digests?: boolean;
}

/** @throws CairnError `ERR_DAMAGED` when the store no longer gives the bytes that the layer's key promises */
export async function exportLayer(store: StoreContext, key: Key, to: LayerOutput): Promise<ExportResult> {
  const layer = store.index.layer(key);
  if (layer === undefined) throw new CairnError('ERR_DAMAGED', `the index has no layer ${key}`);
  const { layout, pool } = store;
  const paths = { recipe: layout.blob(layer.recipe.key), toc: layout.blob(layer.toc.key), objects: layout.objects };
  const result = await pool.run<'export-layer'>({ kind: 'export-layer', ...paths, ...to });
  if (result.sha512 === hexOf(key)) return result;
  const found = keyOfHex(result.sha512);
  throw new CairnError('ERR_DAMAGED', `layer ${key} is damaged; "cairn check" tells what`, { expected: key, found });
}

/** @throws CairnError `ERR_DAMAGED` when the store no longer has the bytes that the key promises */
export async function exportBlob(
  store: StoreContext,
  key: Key,
  size: number,
  to: string,
  control: Control,
): Promise<void> {
  const path = store.layout.blob(key);
  const { sha512 } = await store.pool.run<'export-blob'>({ kind: 'export-blob', control, path, size, to });
  if (sha512 === hexOf(key)) return;
  const details = { path, expected: key, found: keyOfHex(sha512) };
  throw new CairnError(
    'ERR_DAMAGED',
    'a blob does not have its hash; "cairn fsck --repair" tells what must be imported again',
    details,
  );
}
