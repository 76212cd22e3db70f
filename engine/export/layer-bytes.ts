/** Gives a layer's exact bytes: its tar, made from its recipe and objects, or its kept archive. */
import type { ExportResult, Output, OutputCompression } from '../../workers/tasks/export.js';
import { CairnError } from '../core/errors.js';
import { hexOf, type Key, keyOfHex } from '../core/key.js';
import type { BlobRef } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import type { Work } from '../session/work.js';

export interface LayerOutput {
  work: Work;
  output: Output;
  compress: OutputCompression;
  digests?: boolean;
}

/** @throws CairnError `ERR_DAMAGED` when the store no longer gives the bytes that the layer's key promises */
export async function exportLayer(store: StoreContext, key: Key, { work, ...to }: LayerOutput): Promise<ExportResult> {
  const layer = store.index.layer(key);
  if (layer === undefined) throw new CairnError('ERR_DAMAGED', `the index has no layer ${key}`);
  const { layout } = store;
  const paths = { recipe: layout.blob(layer.recipe.key), toc: layout.blob(layer.toc.key), objects: store.objects.at };
  const result = await work.ask('export-layer', { ...paths, ...to });
  if (result.sha512 === hexOf(key)) return result;
  const found = keyOfHex(result.sha512);
  throw new CairnError('ERR_DAMAGED', `layer ${key} is damaged; "cairn check" tells what`, { expected: key, found });
}

/** @throws CairnError `ERR_DAMAGED` when the store no longer has the bytes that the key promises */
export async function exportBlob(
  { layout }: StoreContext,
  { key, size }: BlobRef,
  to: string,
  work: Work,
): Promise<void> {
  const path = layout.blob(key);
  const { sha512 } = await work.ask('export-blob', { path, size, to });
  if (sha512 === hexOf(key)) return;
  const details = { path, expected: key, found: keyOfHex(sha512) };
  throw new CairnError(
    'ERR_DAMAGED',
    'a blob does not have its hash; "cairn fsck --repair" tells what must be imported again',
    details,
  );
}
