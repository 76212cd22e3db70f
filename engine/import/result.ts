/** What is told of an import when it has ended. */
import type { ImageFormat } from '../../workers/tasks/import.js';
import { defined } from '../core/defined.js';
import type { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import type { ImageRecord } from '../index/records.js';

export interface Imported {
  source: string;
  key: Key;
  /** OCI: of its manifest. */
  digest?: string;
  name: string;
  labels: Record<string, string>;
  format: ImageFormat;
  size: number;
  layers: number;
  objects: { new: number; shared: number; newBytes: number; sharedBytes: number };
  /** It was here before; nothing was written. */
  existed: boolean;
  /** It was here and lacked something that a repair had found damaged; it is whole again. */
  healed?: true;
  ms: number;
}

export interface ImportFailure {
  source: string;
  error: CairnError;
}

/** An import as whoever asked for it knows it. */
export interface Asked {
  source: string;
  /** When it began, as `performance.now()` tells it. */
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
