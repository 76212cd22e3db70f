/** Tasks that check whether files of the store and of trees are what they should be. */
import type { SkippedKind } from '../../engine/core/metadata.js';
import type { ObjectsAt } from '../../engine/core/object.js';
import type { Control, Shard } from './parts.js';

/** Hashes objects and looks at their metadata. */
export interface VerifyObjectsTask {
  kind: 'verify-objects';
  control: Control;
  objects: ObjectsAt;
  /** Names of objects, joined by NUL. */
  names: string;
  /** Per name: the number of the copy. */
  copies: Uint32Array;
  sizes: Float64Array;
  /** Per name: the number of its pack, 0 for none, and where it begins there. */
  places: Float64Array;
  /** Per name: metadata that could not be set when the object was made. */
  skipped: Record<string, SkippedKind[]>;
  quick: boolean;
}

/** Hashes blobs. */
export interface VerifyBlobsTask {
  kind: 'verify-blobs';
  control: Control;
  blobs: { path: string; sha512: string; size: number }[];
  quick: boolean;
}

/** Compares part of a rendered tree with its plan. */
export interface VerifyTreeTask {
  kind: 'verify-tree';
  control: Control;
  root: string;
  objects: ObjectsAt;
  shard: Shard;
  sizes: Float64Array;
  /** Per row: the number of names planned in a directory. */
  children: Uint32Array;
  /** Per row: the inode of the object that a file should be a link to; 0 for an object that was not looked at. */
  inodes: BigUint64Array;
  /** A file's first name when it has several; joined by NUL. */
  groups: string;
  /** Files are links to objects, which are hashed by a task of their own. */
  linked: boolean;
  /** Kinds of metadata that could not be set when the tree was rendered. */
  skipped: SkippedKind[];
  quick: boolean;
}

export interface VerifyResult {
  bytes: number;
  findings: Finding[];
}

export interface VerifiedObjects {
  bytes: number;
  /** By position in the task's lists. */
  findings: { at: number; what: string; onlyMetadata: boolean }[];
  /** Per name: the inode; 0 for an object that is missing, or on another file system than the objects' directory. */
  inodes: BigUint64Array;
}

export interface VerifiedTree extends VerifyResult {
  /** Every planned path is there, and no directory has more names than are planned. */
  exact: boolean;
}

export interface Finding {
  /** Path of a blob's file, or path below a tree's root. */
  id: string;
  what: string;
  /** It is metadata that differs. */
  metadata?: true;
}

/** Finds missing objects, and metadata that the others lack. */
export interface SurveyObjectsTask {
  kind: 'survey-objects';
  control: Control;
  objects: ObjectsAt;
  names: string[];
  sizes: Float64Array;
  /** Per name: the extended attributes that the object should have. */
  xattrs: Record<string, string[]>;
}

export interface SurveyResult {
  /** Objects that are missing, of another size, or no objects: name → what is wrong. */
  faults: Record<string, string>;
  /** Objects that lack metadata: name → what is missing. */
  skipped: Record<string, SkippedKind[]>;
}
