/**
 * The records of the index, by kind. Everything listed is complete and on disk, except for what a repair found damaged
 * or missing. Such things are marked as gone: they count as needed but not as here, until an import brings them back.
 */
import type { ImageFormat } from '../../workers/tasks/import.js';
import type { Skipped } from '../../workers/tasks/parts.js';
import type { RenderMode } from '../../workers/tasks/render.js';
import type { Key } from '../core/key.js';
import type { SkippedKind } from '../core/metadata.js';
import type { PackAddress } from '../core/object.js';
import { fromPackedRow, type PackedRow, toPackedRow } from '../core/packed-row.js';
import type { Dependency } from '../image/aci/manifest.js';
import type { Label } from '../image/label.js';
import type { Platform } from '../image/oci/platform.js';
import { type ArchiveDigest, formatArchiveDigest, parseArchiveDigest } from './archive-digest.js';
import type { ValueCodec } from './table.js';

/** The newest schema that is known here: that of an index with pods, or with trees that can be mounted. */
export const SCHEMA_VERSION = 3;
/** That of an index without either: versions that know neither may use such a store, and no other. */
export const BASE_SCHEMA = 2;

/** A name with labels. A reference's tag is the label `version`. */
export interface ImageName {
  name: string;
  labels: Label[];
}

/** Who vouched for an image, as it was found when the image came. */
export interface VerifiedSignature {
  /** The key's fingerprint. */
  key: string;
  /** The key's owner, or the file that the key is in. */
  by: string;
  /** When it was verified: milliseconds since 1970. */
  at: number;
}

export interface ImageRecord {
  /** ACI: the key of its tar. OCI: the key of its configuration, which names all of its layers. */
  key: Key;
  /** OCI: the digest of its manifest. */
  digest?: string;
  /** OCI: empty for an image that came without a reference. A reference's tag is the label `version`. */
  name: string;
  labels: Label[];
  /** The name was taken away. An ACI keeps it here all the same, since it is in its manifest. */
  unnamed?: true;
  /** Further names. */
  aliases?: ImageName[];
  /** OCI: the platform that its configuration says; absent if it says none, and before names had platforms. */
  platform?: Platform;
  /**
   * OCI: references given on request, and when (milliseconds since 1970). Since then they mean no older image. Only
   * versions before names moved from image to image wrote this.
   */
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
  /** The signature that was verified last, if any was. */
  signature?: VerifiedSignature;
  /** Whether its manifest has a path whitelist. If false, nothing needs to read the manifest for one. */
  filters: boolean;
  /** The blob with its document, and how often that document was made. Both are missing before store format 2. */
  document?: Key;
  revision?: number;
}

export interface LayerRecord {
  key: Key;
  /** The format whose rules its table of contents follows. */
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
  /** Digests of the archives it came in. */
  archiveDigests: ArchiveDigest[];
  /** Images and trees that need it. */
  refs: number;
  /** Its table of contents, its recipe or an object of it is gone. */
  incomplete?: true;
  /** It holds no references to its objects: its table of contents, which names them, was gone. */
  uncounted?: true;
  /** The pack whose row of the table `places` says where its contents lie; absent where nothing was noted. */
  placedIn?: number;
}

/** Where a layer's contents lie, see `places.ts`. */
export interface PlacesRecord {
  /** How often objects had moved before. */
  moves: number;
  /** Numbers of 32 bits, little-endian, in base64. */
  sectors: string;
}

export interface BlobRef {
  key: Key;
  size: number;
}

export interface BlobRecord {
  size: number;
  /** How many records need it. A blob that was put by hand needs itself. */
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
  /** Its first file was damaged or missing, see above. This says nothing of its `copies`. */
  gone?: true;
  /** Where it lies in a pack, or lay before it was damaged; absent for an object that is a file of its own. */
  at?: PackAddress;
}

/** A pack and what its bytes are. What no sum below counts was left by imports that failed. */
export interface PackRecord {
  /** Bytes up to which the pack is durable. What lies behind is garbage. */
  end: number;
  /** Bytes that objects take, padding behind them included. */
  used: number;
  /** Bytes of the table `dead`. */
  dead: number;
  /** Bytes of tables, and of padding before contents. */
  other: number;
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
  mode: TreeMode;
  renderedAt: number;
  lastUsed: number;
  /** Of its files; of its image, if it has no files. */
  skipped: Skipped;
  /** Absent in a tree that was never mounted. */
  image?: TreeImage;
  /** The image's manifest beside the tree's root; absent in trees of earlier versions. */
  manifest?: BlobRef;
}

/** How the files of a tree got their content; `mount` for a tree that has none, and is there when it is mounted. */
export type TreeMode = RenderMode | 'mount';

/** The file that a tree is mounted from. */
export interface TreeImage extends BlobRef {
  /** Metadata that it does not hold. */
  skipped: Skipped;
  /** The packs that hold contents of its files, by the names of their files, in the order in which it numbers them. */
  devices?: string[];
  /** How often objects had moved before it was written, see `extents.ts`; absent for never. */
  moves?: number;
}

export interface LeaseRecord {
  id: string;
  tree: string;
  holder: string;
  createdAt: number;
  expiresAt: number;
}

/** One app of a pod, as the index knows it. */
export interface PodAppRecord {
  /** As in the pod's manifest. */
  name: string;
  image: Key;
  treeId: string;
}

/** A prepared pod. It keeps its images and trees from being collected, in whatever state it is. */
export interface PodRecord {
  /** A UUID, in lower case. */
  id: string;
  /** In the order of the pod's manifest. */
  apps: PodAppRecord[];
  /** The manifest in the pod's directory. */
  manifest: BlobRef;
  createdAt: number;
  /** Absent until it is run, which happens once. */
  startedAt?: number;
  /** Absent also when whoever ran it was killed. */
  exitedAt?: number;
  /** By app, of those that are known to have ended. */
  exitCodes?: Record<string, number>;
  /** When a collection of pods found that it had ended. */
  gcMarkedAt?: number;
  /** It goes when it ends. Its directory is not on disk for certain, and once nobody runs it, it is garbage. */
  transient?: true;
}
/** What happened: an image, a tree or a pod came, went, or changed. */
export interface EventRecord {
  /** Milliseconds since 1970. */
  at: number;
  event: StoreEventKind;
  /** The image that it happened to, or that a tree was made of. */
  image?: Key;
  /** Of an image that came: its names; of others: the names that are concerned. */
  names?: string[];
  /** The tree that it happened to. */
  tree?: string;
  /** The pod that it happened to. */
  pod?: string;
}

/**
 * `imported`: an image came, or is whole again. `rendered`: a tree was made. `prepared`, `started`, `exited`: a pod
 * was, or has. `removed`: an image, a tree or a pod went, by whomever. `collected`: gc took an image or a tree.
 * `repaired`: a repair changed what is listed, of whatever kind.
 */
export type StoreEventKind =
  | 'imported'
  | 'tagged'
  | 'untagged'
  | 'pinned'
  | 'unpinned'
  | 'rendered'
  | 'prepared'
  | 'started'
  | 'exited'
  | 'removed'
  | 'collected'
  | 'repaired';

/** Sums over all records, kept in the transactions that change records. Nobody needs to walk the records for them. */
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
export const LAYERS: ValueCodec<Key, LayerRecord> = {
  encode: ({ archiveDigests, ...record }) => ({ ...record, transports: archiveDigests.map(formatArchiveDigest) }),
  decode: (stored) => {
    const { transports, ...record } = stored as Omit<LayerRecord, 'archiveDigests'> & { transports: string[] };
    return { ...record, archiveDigests: transports.map(parseArchiveDigest) };
  },
};

/** Names of objects in a home of packs end so, and no others. */
const PACKED = /^[^.]*\.p$/;

/** How an object's record is stored. In a home of packs an object has no copies, and no metadata that it could lack. */
export const OBJECTS: ValueCodec<string, ObjectRecord> = {
  encode: (record, name) => (PACKED.test(name) ? toPackedRow(record) : record),
  decode: (stored) => {
    if (!Array.isArray(stored)) return stored as ObjectRecord;
    // Tens of thousands are read for one tree: a copy of each would cost as much again.
    return Object.assign(fromPackedRow(stored as unknown as PackedRow), { copies: 0 });
  },
};
