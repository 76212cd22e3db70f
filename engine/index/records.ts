/**
 * The records of the index, by kind. Every one that is listed is complete and on disk, but for what a repair found damaged or missing:
 * that is marked as gone, so that it counts as needed and not as here, until an import brings it back.
 */

import type { ImageFormat } from '../../workers/tasks/import.js';
import type { Skipped } from '../../workers/tasks/parts.js';
import type { RenderMode } from '../../workers/tasks/render.js';
import type { Key } from '../core/key.js';
import type { SkippedKind } from '../core/metadata.js';
import type { Dependency } from '../image/aci/manifest.js';
import type { Label } from '../image/label.js';
import { type ArchiveDigest, formatArchiveDigest, parseArchiveDigest } from './archive-digest.js';
import type { ValueCodec } from './table.js';

/** Raised whenever a record changes its shape. */
export const SCHEMA_VERSION = 2;

export interface ImageRecord {
  /** For an ACI the key of its tar, for an OCI image that of its configuration, which names all of its layers. */
  key: Key;
  /** OCI: of its manifest. */
  digest?: string;
  /** OCI: empty for one that came without a reference. Its tag is the label `version`. */
  name: string;
  labels: Label[];
  /** OCI: further references. */
  aliases?: { name: string; labels: Label[] }[];
  /** OCI: which references it was asked to have, and when (milliseconds since 1970): from then on they mean it and no older image. */
  given?: { name: string; labels: Label[]; at: number }[];
  format: ImageFormat;
  /** Bytes of the uncompressed layers. */
  size: number;
  /** Milliseconds since 1970. */
  importTime: number;
  lastUsed: number;
  latest: boolean;
  pinned: boolean;
  /** Bottom to top. */
  layers: Key[];
  /** The blob with the manifest's exact bytes. */
  manifest: Key;
  /** OCI: the blob with the configuration's exact bytes. */
  config?: Key;
  /** Archives kept as they came, in the order of the layers. */
  archives?: Key[];
  /** OCI: digests of documents that mean this image. */
  digests?: string[];
  dependencies: Dependency[];
  /** Whether its manifest has a path whitelist, so that the manifest need not be read to know that there is none. */
  filters: boolean;
  /** The blob with its document, and how often that was made anew; none before the store came to format 2. */
  document?: Key;
  revision?: number;
}

export interface LayerRecord {
  key: Key;
  /** Whose rules its table of contents follows. */
  format: ImageFormat;
  size: number;
  toc: BlobRef;
  recipe: BlobRef;
  entries: number;
  files: number;
  /** Bytes of file content, each name counted. */
  contentBytes: number;
  objects: number;
  /** Bytes of its distinct objects. */
  objectBytes: number;
  /** Of the archives it came in. */
  archiveDigests: ArchiveDigest[];
  /** Images and trees that need it. */
  refs: number;
  /** Its table of contents, its recipe or an object of it is gone. */
  incomplete?: true;
  /** Its table of contents was gone, so that nobody could tell its objects: it holds no references to them. */
  uncounted?: true;
}

export interface BlobRef {
  key: Key;
  size: number;
}

export interface BlobRecord {
  size: number;
  /** What needs it; a blob that was put by hand needs itself. */
  refs: number;
  put: boolean;
  /** Its file was damaged or missing, see above. */
  gone?: true;
}

export interface ObjectRecord {
  size: number;
  /** Layers that hold it. */
  refs: number;
  /** Further copies, made when it reached the file system's link limit. */
  copies: number;
  /** Metadata that could not be set. */
  skipped?: SkippedKind[];
  /** Its file was damaged or missing, see above; `copies` are not meant. */
  gone?: true;
}

export interface TreeRecord {
  id: string;
  images: Key[];
  /** In priority order. */
  layers: Key[];
  hash: Key;
  files: number;
  entries: number;
  bytes: number;
  /** Bytes of content that only this tree keeps on disk. */
  uniqueBytes: number;
  mode: RenderMode;
  renderedAt: number;
  lastUsed: number;
  skipped: Skipped;
  /** What lies beside its root; absent in trees of earlier versions. */
  manifest?: BlobRef;
}

export interface LeaseRecord {
  id: string;
  tree: string;
  holder: string;
  createdAt: number;
  expiresAt: number;
}

/** Sums over everything, kept in the transactions that change it, so that nobody needs to walk anything to know them. */
export interface Totals {
  objects: number;
  objectBytes: number;
  blobs: number;
  blobBytes: number;
  /** Objects and blobs that nothing needs, waiting for gc; they are part of the sums above. */
  orphans: number;
  orphanBytes: number;
}

/** How a layer's record is stored. */
export const LAYERS: ValueCodec<LayerRecord> = {
  encode: ({ archiveDigests, ...record }) => ({ ...record, transports: archiveDigests.map(formatArchiveDigest) }),
  decode: (stored) => {
    const { transports, ...record } = stored as Omit<LayerRecord, 'archiveDigests'> & { transports: string[] };
    return { ...record, archiveDigests: transports.map(parseArchiveDigest) };
  },
};
