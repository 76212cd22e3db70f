/** Tasks that bring images in: looking at archives, reading layers to staging, moving them to where they belong. */
import type { Limits } from '../../engine/core/limits.js';
import type { Identity, SkippedKind } from '../../engine/core/metadata.js';
import type { ObjectsAt } from '../../engine/core/object.js';
import type { Control, Source, StagedBlob } from './parts.js';
import type { RingMemory } from './ring.js';

export type ImageFormat = 'aci' | 'oci';

/** Streams one layer in: inflate, hash, scan, and write its new objects, table of contents and recipe to staging. */
export interface IngestTask {
  kind: 'ingest' | 'scan';
  control: Control;
  source: Source;
  /** Whose rules the layer's entries follow. */
  format: ImageFormat;
  /** Hash the uncompressed tar with sha256, too. */
  diffId: boolean;
  /** Where to keep the bytes as they come. */
  keep?: string | undefined;
  /** Where the bytes come from instead, when a {@link DecodeTask} reads the source. */
  ring?: RingMemory;
  /** Takes small objects to a {@link WriteObjectsTask}. */
  parcels?: RingMemory;
  /** An existing directory for what belongs to this layer alone. */
  staging: string;
  /** Where new objects are staged; layers of one import share it. */
  newObjects: string;
  /** Stage them side by side, not in the shards that the store has: for few, making and emptying shards would be most of the work. */
  flat: boolean;
  /** The store's objects: what is there already is not written again. */
  objects: ObjectsAt;
  limits: Limits;
  identity: Identity;
  /** Take an archive without its end marker, because the caller knows its digest. */
  allowMissingEnd: boolean;
  /** The store holds no objects at all. */
  storeIsEmpty: boolean;
}

/** Reads, inflates and hashes a source for an `ingest-ring` task that runs at the same time. */
export interface DecodeTask {
  kind: 'decode';
  control: Control;
  source: Source;
  diffId: boolean;
  keep?: string | undefined;
  ring: RingMemory;
  limits: Limits;
}

export interface SourceResult {
  /** sha512 of the uncompressed tar, hex, and its length in bytes. */
  sha512: string;
  size: number;
  /** sha256 of the uncompressed tar, hex, if asked for. */
  diffId?: string;
  /** sha256 of the bytes as they came, hex, and their number. */
  transport: { sha256: string; size: number };
  /** The bytes as they came, if they were to be kept. */
  kept?: StagedBlob;
}

export interface LayerResult {
  toc: StagedBlob;
  recipe: StagedBlob;
  /** An ACI's manifest; of other layers nothing. */
  manifest: Uint8Array;
  entries: number;
  files: number;
  /** Bytes of file content, each name counted. */
  contentBytes: number;
  /** Distinct objects: sorted names, one a line, and sizes in the same order. */
  objects: string;
  sizes: Float64Array;
  /** Objects that could not get all of their metadata: name → what is missing. */
  skipped: Record<string, SkippedKind[]>;
}

export type IngestResult = SourceResult & LayerResult;

/** Writes the small objects of an `ingest-ring` task that runs at the same time. */
export interface WriteObjectsTask {
  kind: 'write-objects';
  ring: RingMemory;
  /** Where new objects are staged. */
  staging: string;
  /** Where they will lie. */
  objects: ObjectsAt;
  identity: Identity;
}

/** Unpacks a compressed source to a new file as it streams by. */
export interface SpoolTask {
  kind: 'spool';
  control: Control;
  source: Source;
  to: string;
  diffId?: boolean;
  limits: Limits;
}

/** The first bytes of an archive: what is its first member called? */
export interface PeekTask {
  kind: 'peek';
  control: Control;
  head: Uint8Array;
  limits: Limits;
}

/** Lists what a tar holds, passing over the contents. Refuses what {@link IngestTask} refuses of headers. */
export interface ListMembersTask {
  kind: 'list-members';
  control: Control;
  path: string;
  limits: Limits;
}

/** Members of a tar in columns: cleaned names and symlink targets joined by NUL, places of contents (-1 for no file), sizes. */
export interface Members {
  names: string;
  links: string;
  offsets: Float64Array;
  sizes: Float64Array;
}

/** Hashes a file, or a part of one, as it lies there. */
export interface DigestTask {
  kind: 'digest';
  control: Control;
  source: Source;
}

/** Moves what imports have staged to where it belongs. Run between two syncs. */
export interface PlaceTask {
  kind: 'place';
  /** `[from, to]` pairs: files, and whole shards of objects. */
  moves: [string, string][];
}
