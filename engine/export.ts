/** Giving images back: the exact archive that came in, or the merged tree as one tar. */
import { randomUUID } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import type { ExportResult, ExportTreeTask, Output, OutputCompression } from '../workers/protocol.js';
import type { OperationOptions, StoreContext } from './context.js';
import { place, syncDirectory, syncFile } from './durable.js';
import { CairnError } from './errors.js';
import type { ImageRecord } from './index/records.js';
import { ingredientsOf } from './ingredients.js';
import { hexOf, type Key } from './key.js';
import { planOf } from './planning.js';
import { withControl } from './pool.js';
import { packShard } from './render/shard.js';
import { noteUse } from './render.js';

export type ExportFormat = 'aci' | 'tar';

export interface ExportOptions extends OperationOptions {
  /** `aci`: the image's own archive, byte for byte; `tar`: its merged tree. */
  format?: ExportFormat;
  compress?: OutputCompression;
}

export interface Exported {
  file: string;
  /** Bytes written. */
  size: number;
  /** Of the uncompressed tar. */
  key: Key;
}

/**
 * @param file a path, or `-` for standard output. A file appears under its name only when it is complete.
 * @throws CairnError `ERR_DAMAGED` when the store no longer gives the bytes that the image's key promises
 */
export async function exportImage(
  store: StoreContext,
  image: ImageRecord,
  file: string,
  options: ExportOptions = {},
): Promise<Exported> {
  const { signal, onProgress, format = 'aci' } = options;
  const target = file === '-' ? undefined : resolve(file);
  const temporary = target && join(dirname(target), `.${basename(target)}.cairn-${randomUUID().slice(0, 8)}`);
  const output: Output = temporary === undefined ? { fd: 1 } : { path: temporary };
  const onCount = onProgress && ((done: number) => onProgress({ what: 'exporting', unit: 'bytes', done }));
  return store.uses.during(signal, async () => {
    try {
      const result = await withControl(signal, onCount, (control) => {
        const common = { control, objects: store.layout.objects, output, compress: options.compress ?? 'none' };
        return format === 'tar' ? exportTree(store, image, common) : exportLayer(store, image, common);
      });
      if (temporary !== undefined && target !== undefined) {
        syncFile(temporary);
        place(temporary, target);
        syncDirectory(dirname(target));
      }
      noteUse(store, image);
      return { file, size: result.size, key: `sha512-${result.sha512}` };
    } finally {
      if (temporary !== undefined) await store.pool.run<'remove'>({ kind: 'remove', paths: [temporary] });
    }
  });
}

type Common = Omit<ExportTreeTask, 'kind' | 'shard' | 'sizes' | 'groups'>;

async function exportLayer(store: StoreContext, image: ImageRecord, common: Common): Promise<ExportResult> {
  const key = image.layers[0] as Key;
  const layer = store.index.layer(key);
  if (layer === undefined) throw new CairnError('ERR_DAMAGED', `the index has no layer ${key}`);
  const { layout, pool } = store;
  const paths = { recipe: layout.blob(layer.recipe.key), toc: layout.blob(layer.toc.key) };
  const result = await pool.run<'export-layer'>({ kind: 'export-layer', ...paths, ...common });
  if (result.sha512 !== hexOf(key)) {
    const found = `sha512-${result.sha512}`;
    throw new CairnError('ERR_DAMAGED', `${image.name} is damaged; "cairn check" tells what`, { expected: key, found });
  }
  return result;
}

function exportTree(store: StoreContext, image: ImageRecord, common: Common): Promise<ExportResult> {
  const { entries } = planOf(store, ingredientsOf(store, image));
  return store.pool.run<'export-tree'>({
    kind: 'export-tree',
    shard: packShard(entries),
    sizes: Float64Array.from(entries, ({ size }) => size),
    groups: entries.map(({ group }) => group).join('\0'),
    ...common,
  });
}
