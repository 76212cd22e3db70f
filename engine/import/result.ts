/** The result of an import. */
import type { ImageFormat } from '../../workers/tasks/import.js';
import { defined } from '../core/defined.js';
import type { CairnError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { labelMap } from '../image/label.js';
import { platformLabels, referencesOf, shortName } from '../index/images.js';
import type { MovedName } from '../index/names.js';
import type { ImageName, ImageRecord } from '../index/records.js';
import { nameText } from '../resolve/name.js';

export interface Imported {
  source: string;
  key: Key;
  /** OCI: the digest of the manifest. */
  digest?: string;
  /** The name that this import gave, if any, else the first of its names. */
  name: string;
  labels: Record<string, string>;
  /** All of its names. */
  names: string[];
  /** OCI: its platform, unless its configuration says none. */
  os?: string;
  arch?: string;
  format: ImageFormat;
  size: number;
  layers: number;
  objects: { new: number; shared: number; newBytes: number; sharedBytes: number };
  /** The image was here before; nothing was written. */
  existed: boolean;
  /** The image was here and lacked something that a repair had found damaged. It is complete again. */
  healed?: true;
  /** The image was here, and its archives, which were not, have been kept. */
  archivesKept?: true;
  /** Names that the image has now, if it was here without them. */
  added?: string[];
  /** Names that meant another image before. */
  moved?: { name: string; from: Key }[];
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

/** What is told of an import besides the image itself. */
interface Told {
  objects: Imported['objects'];
  moved: readonly MovedName[];
  keepsNow?: boolean;
  gained?: readonly ImageName[];
  /** The name that the import gave, if any. */
  given?: ImageName | undefined;
}

export function describe(
  { source, begun }: Asked,
  image: ImageRecord,
  { objects, moved, keepsNow, gained = [], given }: Told,
  existed: boolean,
): Imported {
  const main = given ?? referencesOf(image)[0] ?? { name: '', labels: image.labels };
  return {
    source,
    key: image.key,
    ...defined({ digest: image.digest }),
    name: main.name,
    labels: labelMap([...main.labels, ...platformLabels(image)]),
    names: referencesOf(image).map((each) => nameText(image.format, each)),
    ...defined({ os: image.platform?.os, arch: image.platform?.architecture }),
    format: image.format,
    size: image.size,
    layers: image.layers.length,
    objects,
    existed,
    ...(keepsNow === true ? { archivesKept: true } : {}),
    ...(gained.length === 0 ? {} : { added: gained.map((each) => nameText(image.format, each)) }),
    ...(moved.length === 0 ? {} : { moved: moved.map((each) => ({ name: shortName(each), from: each.from })) }),
    ms: Math.round(performance.now() - begun),
  };
}
