/** An import between reading and commit, and its outcome. */
import type { IngestResult } from '../../workers/tasks/import.js';
import type { Key } from '../core/key.js';
import type { ArchiveDigest } from '../index/archive-digest.js';
import type { MovedName } from '../index/names.js';
import type { NewObject, Retained } from '../index/objects.js';
import type { ImageName, ImageRecord } from '../index/records.js';
import type { TocEntry } from '../layer/toc.js';
import type { Plan } from '../plan/plan.js';
import type { StoreContext } from '../session/context.js';
import type { LayerReader } from './read-layer.js';

/** The store, reader and staging directory of an import. */
export interface Importing {
  store: StoreContext;
  reader: LayerReader;
  /** An existing directory of this import alone. */
  staging: string;
}

/** A layer that was read for an import. */
export interface NewLayer {
  key: Key;
  staging: string;
  ingested: IngestResult;
  objects: readonly NewObject[];
  /** OCI: its table of contents, for the plan. */
  toc?: readonly TocEntry[];
  /** The digests of the archive that the layer came as. */
  archiveDigests: ArchiveDigest[];
}

/** An import that is staged, hashed and validated. */
export interface Prepared {
  /** The directory of the image's documents, see {@link stageDocument}, and of the new objects of all its layers. */
  staging: string;
  /** The image's documents: key → size. */
  documents: ReadonlyMap<Key, number>;
  /** The layers that were read. The image's other layers are in the store. */
  layers: readonly NewLayer[];
  /** The record for the index, unless the image is there already. */
  image: ImageRecord;
  /** Names of the image that others have stay with those. */
  leaveNames: boolean;
  /** Plans the tree, if possible yet, while the disk writes. Throws if the image must be refused. */
  plan?: () => Plan;
  /** Takes the plan, which the store does not keep then. */
  onPlan?: ((plan: Plan) => void) | undefined;
}

export interface Committed {
  image: ImageRecord;
  existed: boolean;
  /** The image lacked something, and is complete now. */
  restored: boolean;
  objects: Retained;
  /** Names that now mean this image instead of another. */
  moved: MovedName[];
  /** The image was here without archives, and has some now. */
  keepsNow: boolean;
  /** Names that the image got, if it was here. */
  gained: ImageName[];
}

/** `lost`: a layer that was in the store when the import began was removed meanwhile. */
export type Outcome = Committed | 'lost';
