/** Tasks of imports: look at archives, read layers to staging, move staged files into place. */
import type { Limits } from '../../engine/core/limits.js';
import type { Identity, SkippedKind } from '../../engine/core/metadata.js';
import type { FileContent, ObjectsAt } from '../../engine/core/object.js';
import type { Control, Source, StagedBlob } from './parts.js';
import type { RingMemory } from './ring.js';

export type ImageFormat = 'aci' | 'oci';

/** How a table of contents is written; both are read. The columns of the second are compressed. */
export type TocVersion = 1 | 2;

/** What tasks that ingest layers have in common: the store that layers come to. */
export interface IngestInto {
  /** The store's objects. An object that is there already is not written again. */
  objects: ObjectsAt;
  limits: Limits;
  identity: Identity;
  /** The store holds no objects at all. */
  storeIsEmpty: boolean;
  tocVersion: TocVersion;
  /** The pack that new objects go to, in a store that has packs. */
  lane?: Lane | undefined;
}

/** One layer to ingest. */
export interface IngestedLayer {
  control: Control;
  source: Source;
  /** The format whose rules the layer's entries follow. */
  format: ImageFormat;
  /** Hash the uncompressed tar with sha256, too. */
  diffId: boolean;
  /** A new file that keeps the bytes as they come. */
  keep?: string | undefined;
  /** An existing directory for files of this layer alone. */
  staging: string;
  /** Where new objects are staged. The layers of one import share this directory. */
  newObjects: string;
  /** Stage new objects side by side, not in shards: for a few, making and emptying shards would take longest. */
  flat: boolean;
  /** A digest that the caller knows vouches for the archive, whatever its end looks like. */
  vouched: boolean;
  /** The tar came by itself, of no image. */
  isBare: boolean;
}

/** Ingests one layer: decode and hash, scan, write its new objects, table of contents and recipe to staging. */
export interface IngestTask extends IngestInto, IngestedLayer {
  kind: 'ingest' | 'scan';
  /** Gives the bytes instead of the source, which a {@link DecodeTask} reads then. */
  ring?: RingMemory;
  /** Takes small objects to a {@link WriteObjectsTask}, or what goes to a pack to a {@link WritePackTask}. */
  parcels?: RingMemory;
  /** A port. It takes rows of objects in that pack while there come more, so that the index's are made side by side. */
  rows?: { postMessage(rows: Uint8Array): void };
}

/** Ingests small layers, one after the other. Each has an answer of its own. */
export interface IngestSmallTask {
  kind: 'ingest-small';
  into: IngestInto;
  layers: IngestedLayer[];
}

/** A pack that one layer at a time appends to. */
export interface Lane {
  pack: number;
  path: string;
  /** What goes into the hash of its tables. */
  salt: Uint8Array;
  /** Where the pack goes on: a multiple of the block. */
  base: number;
  /** Up to here the pack is known to be on disk. */
  durable: number;
}

/** Where a layer's new objects lie in its lane. */
export interface PackedLayer {
  pack: number;
  /** The part of the pack that this layer filled, its table included. */
  base: number;
  end: number;
  /** The objects in it, in the order of their offsets, as `engine/objects/pack/rows.ts` says; those untold so far. */
  rows: Uint8Array;
  /** Parts that nothing needs. */
  wasted: { offset: number; length: number }[];
  /**
   * Of a layer: for each file in the order of its table of contents, where in the pack its content begins, in sectors;
   * 0 for a content that this layer did not bring to the pack.
   */
  places?: Uint32Array;
}

/** Reads and decodes a source for a `scan` task that runs at the same time. */
export interface DecodeTask {
  kind: 'decode';
  control: Control;
  source: Source;
  keep?: string | undefined;
  ring: RingMemory;
  limits: Limits;
}

/** Hashes the tar of a `scan` task that runs at the same time. */
export interface DigestTarTask {
  kind: 'digest-tar';
  control: Control;
  ring: RingMemory;
  diffId: boolean;
}

/** Of an uncompressed tar, in hex. */
export interface TarDigests {
  sha512: string;
  /** sha256, if asked for. */
  diffId?: string;
}

export interface SourceResult {
  /** Bytes of the uncompressed tar. */
  size: number;
  /** sha256 of the bytes as they came, hex, and their number. */
  transport: { sha256: string; size: number };
  /** The bytes as they came, if they were to be kept. */
  kept?: StagedBlob;
}

export interface LayerResult {
  toc: StagedBlob;
  recipe: StagedBlob;
  /** An ACI's manifest, which is staged as a document; empty for other layers. */
  manifest: Uint8Array;
  entries: number;
  /** Bytes after the archive's end that are not zero. */
  trailing: number;
  files: number;
  /** Bytes of file content, each name counted. */
  contentBytes: number;
  /** Distinct objects, but for those that `packed` has: sorted names, one a line, and sizes in the same order. */
  objects: string;
  sizes: Float64Array;
  /** Objects that could not get all of their metadata: name → what is missing. */
  skipped: Record<string, SkippedKind[]>;
  /** In a store that has packs. */
  packed?: PackedLayer;
}

export type IngestResult = SourceResult & TarDigests & LayerResult;

/** Writes the small objects of a `scan` task that runs at the same time. */
export interface WriteObjectsTask {
  kind: 'write-objects';
  ring: RingMemory;
  /** Where new objects are staged. */
  staging: string;
  /** Where the new objects will lie. */
  objects: ObjectsAt;
  identity: Identity;
}

/** Writes to the lane of a `scan` task that runs at the same time. */
export interface WritePackTask {
  kind: 'write-pack';
  ring: RingMemory;
  lane: Lane;
}

/** Appends objects of another home to a pack. */
export interface AppendObjectsTask {
  kind: 'append-objects';
  control: Control;
  from: ObjectsAt;
  /** One name for each content. */
  names: string[];
  sizes: Float64Array;
  lane: Lane;
  /** An existing directory. */
  scratch: string;
}

export interface UnpackedFile {
  file: FileContent;
  size: number;
  /** It is a file already, as a pack could not keep its holes. */
  hasHoles: boolean;
}

/** Gives objects in packs a file each, with its metadata. */
export interface UnpackObjectsTask {
  kind: 'unpack-objects';
  control: Control;
  from: ObjectsAt;
  to: ObjectsAt;
  files: UnpackedFile[];
  /** An existing directory. */
  staging: string;
  identity: Identity;
}

/** Decodes a source to a new file, as a stream. */
export interface SpoolTask {
  kind: 'spool';
  control: Control;
  source: Source;
  to: string;
  diffId?: boolean;
  limits: Limits;
}

/** Finds the name of an archive's first member in the archive's first bytes. */
export interface PeekTask {
  kind: 'peek';
  control: Control;
  head: Uint8Array;
  limits: Limits;
}

/** Lists the members of a tar, passing over their contents. Refuses the same headers as {@link IngestTask}. */
export interface ListMembersTask {
  kind: 'list-members';
  control: Control;
  path: string;
  limits: Limits;
}

/**
 * Members of a tar in columns: cleaned names and symlink targets joined by NUL, positions of contents (-1 for no file),
 * sizes.
 */
export interface Members {
  names: string;
  links: string;
  offsets: Float64Array;
  sizes: Float64Array;
}

/** Hashes a file, or a part of one, without decoding it. */
export interface DigestTask {
  kind: 'digest';
  control: Control;
  source: Source;
}

/** Moves staged files of imports into place. Runs between two syncs. */
export interface PlaceTask {
  kind: 'place';
  /** `[from, to]` pairs: files, and whole shards of objects. */
  moves: [string, string][];
}
