/** The result of an import. */
import type { ImageFormat } from '../../workers/tasks/import.js';
import { defined } from '../core/defined.js';
import type { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import type { ImageRecord } from '../index/records.js';

export interface Imported {
  source: string;
  key: Key;
  /** OCI: the digest of the manifest. */
  digest?: string;
  name: string;
  labels: Record<string, string>;
  format: ImageFormat;
  size: number;
  layers: number;
  objects: { new: number; shared: number; newBytes: number; sharedBytes: number };
  /** The image was here before; nothing was written. */
  existed: boolean;
  /** The image was here and lacked something that a repair had found damaged. It is complete again. */
  healed?: true;
  ms: number;
}

export interface ImportFailure {
  source: string;
  error: CairnError;
}

/** An import as its caller asked for it. */
export interface Asked {
  source: string;
  /** When the import began, by `performance.now()`. */
  begun: number;
}

export function describe(
  { source, begun }: Asked,
  image: ImageRecord,
  objects: Imported['objects'],
  existed: boolean,
): Imported {
  return {
    source,
    key: image.key,
    ...defined({ digest: image.digest }),
    name: image.name,
    labels: Object.fromEntries(image.labels.map(({ name, value }) => [name, value])),
    format: image.format,
    size: image.size,
    layers: image.layers.length,
    objects,
    existed,
    ms: Math.round(performance.now() - begun),
  };
}
