/** Tasks that write archives, and copies of the store. */
import type { SkippedKind } from '../../engine/core/metadata.js';
import type { ObjectsAt } from '../../engine/core/object.js';
import type { Control, Skipped, TreeTar } from './parts.js';

export type OutputCompression = 'none' | 'gzip' | 'zstd';

/** The destination of an export: a new file, or a stream that is open in this process, with its name if it has one. */
export type Output = { path: string } | { fd: number; name?: string };

/** Puts a layer's tar together again from its recipe and objects. */
export interface ExportLayerTask {
  kind: 'export-layer';
  control: Control;
  recipe: string;
  toc: string;
  objects: ObjectsAt;
  output: Output;
  compress: OutputCompression;
  /** Also hash with sha256: the bytes written, and the bytes before compression. */
  digests?: boolean;
}

/** Packs a tree to a file or stream. */
export interface ExportTreeTask extends TreeTar {
  kind: 'export-tree';
  control: Control;
  output: Output;
  compress: OutputCompression;
  digests?: boolean;
}

/** Writes a plan as one EROFS image with all contents. */
export interface ExportErofsTask extends Omit<TreeTar, 'directory' | 'manifest'> {
  kind: 'export-erofs';
  control: Control;
  /** Sixteen bytes by which the file system is known. */
  uuid: Uint8Array;
  output: Output;
  compress: OutputCompression;
}

/** Copies a blob to a new file. */
export interface ExportBlobTask {
  kind: 'export-blob';
  control: Control;
  path: string;
  size: number;
  to: string;
}

/** Packs files as they are into one tar. */
export interface PackFilesTask {
  kind: 'pack-files';
  control: Control;
  /** Names in the tar, and paths of the bytes. */
  files: [name: string, path: string][];
  output: Output;
  compress: OutputCompression;
}

export interface ExportResult {
  /** sha512 of the uncompressed tar, hex. */
  sha512: string;
  /** Bytes written. */
  size: number;
  /** sha256 of the bytes written and of the uncompressed tar, if asked for. */
  digest?: string;
  diffId?: string;
  /** Metadata that the format does not hold. */
  skipped?: Skipped;
}

/** Gives blobs a further name below another root, by hard link, or else as copies. Makes missing shards. */
export interface CloneBlobsTask {
  kind: 'clone-blobs';
  control: Control;
  from: string;
  to: string;
  /** sha512 in hex. */
  names: string[];
}

/** Does the same for objects, from one home to another. */
export interface CloneObjectsTask {
  kind: 'clone-objects';
  control: Control;
  from: ObjectsAt;
  to: ObjectsAt;
  names: string[];
}

/** Copies a pack to a backup, holes left out. */
export interface ClonePackTask {
  kind: 'clone-pack';
  control: Control;
  from: string;
  /** A new file. */
  to: string;
  /** What lies behind is left out. */
  end: number;
  /** Begin and length of each part that an object takes, in rising order. */
  parts: Float64Array;
}

export interface CloneResult {
  linked: number;
  copied: number;
  /** Copies that could not get all of their metadata: name → what is missing. */
  skipped: Record<string, SkippedKind[]>;
}
