/**
 * What the engine asks of its workers: one type per task and per answer. Workers hold no state between tasks, never open the
 * index, and decide nothing: everything a task needs is in it.
 */
import type { ByteString } from '../engine/bytes.js';
import type { ErrorCode, ErrorDetails } from '../engine/errors.js';
import type { Limits } from '../engine/limits.js';

import type { RingMemory } from './ring.js';

export type Compression = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zstd';

/** Memory shared with the main thread: it cancels, the worker counts. */
export interface Control {
  /** Element 0 is set to 1 to cancel. */
  cancel: Int32Array;
  /** Bytes and items done so far. */
  done: BigInt64Array;
}

/** Who we are, as far as it decides what can be set on a file. */
export interface Identity {
  uid: number;
  gid: number;
  /** Bits that `open` and `mkdir` will not set. */
  umask: number;
}

/**
 * A file, or a part of one, or bytes, or a stream that is open in this process, of which `head` has been read already. Its compression
 * is told from its bytes.
 */
export type Source =
  | { path: string; part?: { offset: number; size: number } }
  | { bytes: Uint8Array }
  | { fd: number; head?: Uint8Array };

export type ImageFormat = 'aci' | 'oci';

/** Streams one layer in: inflate, hash, scan, and write its new objects, table of contents and recipe to staging. */
export interface AbsorbTask {
  kind: 'absorb' | 'absorb-ring';
  control: Control;
  source: Source;
  /** Whose rules the layer's entries follow. */
  format: ImageFormat;
  /** Hash the uncompressed tar with sha256, too. */
  diffId: boolean;
  /** Where to keep the bytes as they come. */
  keep?: string | undefined;
  /** Where the bytes come from instead, when a {@link PourTask} reads the source. */
  ring?: RingMemory;
  /** Takes small objects to a {@link StageObjectsTask}. */
  parcels?: RingMemory;
  /** An existing directory for what belongs to this layer alone. */
  staging: string;
  /** Where new objects are staged; layers of one import share it. */
  newObjects: string;
  /** Stage them side by side, not in the shards that the store has: for few, making and emptying shards would be most of the work. */
  flat: boolean;
  /** The store's objects: what is there already is not written again. */
  objects: string;
  limits: Limits;
  identity: Identity;
  /** Take an archive without its end marker, because the caller knows its digest. */
  endless: boolean;
  /** The store holds no objects at all. */
  fresh: boolean;
}

/** Reads, inflates and hashes a source for an `absorb-ring` task that runs at the same time. */
export interface PourTask {
  kind: 'pour';
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
  skipped: Record<string, string[]>;
}

export type AbsorbResult = SourceResult & LayerResult;

export interface StagedBlob {
  sha512: string;
  size: number;
}

/** Writes the small objects of an `absorb-ring` task that runs at the same time. */
export interface StageObjectsTask {
  kind: 'stage-objects';
  ring: RingMemory;
  /** The staging directory's objects; shards are made by the task that hands them over. */
  staging: string;
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

/** Lists what a tar holds, passing over the contents. Refuses what {@link AbsorbTask} refuses of headers. */
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

export type RenderMode = 'link' | 'reflink' | 'copy';

/** A part of a plan, in columns, so that it crosses to the worker as a few flat pieces. See `engine/render/shard.ts`. */
export interface Shard {
  /** One letter an entry: d f s c b p. */
  types: string;
  /** Paths, byte strings joined by NUL. */
  paths: string;
  /** A file's object name, a symlink's target, else empty; joined by NUL. */
  sources: string;
  /** Rows of mode, uid, gid, seconds, nanoseconds, device major, minor. */
  meta: Float64Array;
  /** Extended attributes of the few that have them, by position. */
  xattrs: [number, [string, Uint8Array][]][];
}

/** Makes a shard's directories, files and special files below `root`. Parents that another shard makes are made if missing. */
export interface RenderTask {
  kind: 'render';
  control: Control;
  root: string;
  objects: string;
  shard: Shard;
  mode: RenderMode;
  identity: Identity;
  uidShift: number;
}

export interface RenderResult {
  /** What could not be set: `what` → how often, with up to ten paths. */
  skipped: Skipped;
  /** Objects at the file system's link limit that got one more copy: name of the new copy → its size. */
  copies: Record<string, number>;
}

export type Skipped = Record<string, { count: number; paths: string[] }>;

/** Adds further names to inodes that are there. Run after all shards. */
export interface JoinTask {
  kind: 'join';
  root: string;
  /** `[existing, new]` paths below root. */
  links: [string, string][];
}

/** Sets directories' modes and times, after everything below them exists. */
export interface SettleTask {
  kind: 'settle';
  root: string;
  shard: Shard;
  identity: Identity;
  uidShift: number;
}

/** Hashes objects and looks at their metadata. */
export interface VerifyObjectsTask {
  kind: 'verify-objects';
  control: Control;
  objects: string;
  names: string[];
  sizes: Float64Array;
  /** Per name: metadata that could not be set when it was made. */
  skipped: Record<string, string[]>;
  quick: boolean;
}

/** Hashes blobs. */
export interface VerifyBlobsTask {
  kind: 'verify-blobs';
  control: Control;
  blobs: { path: string; sha512: string; size: number }[];
  quick: boolean;
}

/** Looks whether objects are there, and what of their metadata is not. */
export interface SurveyObjectsTask {
  kind: 'survey-objects';
  control: Control;
  objects: string;
  names: string[];
  sizes: Float64Array;
  /** Per name: the extended attributes that it should have. */
  xattrs: Record<string, string[]>;
}

export interface SurveyResult {
  /** Objects that are missing or of another size. */
  findings: Finding[];
  /** Objects that do not have all of their metadata: name → what is missing. */
  skipped: Record<string, string[]>;
}

export interface Finding {
  /** Object name, path of a blob's file, or path below a tree's root. */
  id: string;
  what: string;
}

export interface VerifyResult {
  bytes: number;
  findings: Finding[];
}

/** Compares part of a rendered tree with its plan. */
export interface VerifyTreeTask {
  kind: 'verify-tree';
  control: Control;
  root: string;
  objects: string;
  shard: Shard;
  sizes: Float64Array;
  /** A file's first name when it has several; joined by NUL. */
  groups: string;
  /** Files are links to objects, which are hashed by a task of their own. */
  linked: boolean;
  /** Kinds of metadata that could not be set when it was rendered. */
  skipped: string[];
  quick: boolean;
  identity: Identity;
}

export type OutputCompression = 'none' | 'gzip' | 'zstd';

/** Where an export goes: a new file, or a stream that is open in this process, with its name if it has one. */
export type Output = { path: string } | { fd: number; name?: string };

/** Puts a layer's tar together again from its recipe and objects. */
export interface ExportLayerTask {
  kind: 'export-layer';
  control: Control;
  recipe: string;
  toc: string;
  objects: string;
  output: Output;
  compress: OutputCompression;
  /** Hash what is written, and what it is before it is compressed, with sha256, too. */
  digests?: boolean;
}

/** Packs a plan as one tar, or as an ACI when a manifest is given. */
export interface ExportTreeTask {
  manifest?: Uint8Array;
  digests?: boolean;
  kind: 'export-tree';
  control: Control;
  shard: Shard;
  sizes: Float64Array;
  groups: string;
  objects: string;
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
  /** Names in the tar, and where the bytes are. */
  files: [name: string, path: string][];
  output: Output;
  compress: OutputCompression;
}

/** Gives sharded files a further name below another root, by hard link or else as copies. Makes shards. */
export interface CloneFilesTask {
  kind: 'clone-files';
  control: Control;
  from: string;
  to: string;
  names: string[];
}

export interface CloneResult {
  linked: number;
  copied: number;
  /** Copies that could not get all of their metadata: name → what is missing. */
  skipped: Record<string, string[]>;
}

/** Deletes directory trees and files for good. */
export interface RemoveTask {
  kind: 'remove';
  paths: readonly ByteString[];
}

export interface Tasks {
  absorb: [AbsorbTask, AbsorbResult];
  'absorb-ring': [AbsorbTask, LayerResult];
  pour: [PourTask, SourceResult];
  'stage-objects': [StageObjectsTask, Record<string, string[]>];
  peek: [PeekTask, string];
  spool: [SpoolTask, SourceResult];
  'list-members': [ListMembersTask, Members];
  digest: [DigestTask, { sha256: string }];
  place: [PlaceTask, null];
  render: [RenderTask, RenderResult];
  join: [JoinTask, null];
  settle: [SettleTask, { skipped: Skipped }];
  'verify-objects': [VerifyObjectsTask, VerifyResult];
  'verify-blobs': [VerifyBlobsTask, VerifyResult];
  'survey-objects': [SurveyObjectsTask, SurveyResult];
  'verify-tree': [VerifyTreeTask, VerifyResult];
  'export-layer': [ExportLayerTask, ExportResult];
  'export-tree': [ExportTreeTask, ExportResult];
  'export-blob': [ExportBlobTask, ExportResult];
  'pack-files': [PackFilesTask, ExportResult];
  'clone-files': [CloneFilesTask, CloneResult];
  remove: [RemoveTask, null];
}

export type Task = { [K in keyof Tasks]: Tasks[K][0] }[keyof Tasks];

/** Errors cross the thread as data: structured cloning would drop their fields. */
export type Answer<T> = { value: T } | { error: ErrorDetails & { code: ErrorCode; message: string } };
