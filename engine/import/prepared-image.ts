/** What an import is between reading and commit, and what became of it. */
import type { IngestResult } from '../../workers/tasks/import.js';
import type { Key } from '../core/key.js';
import type { ArchiveDigest } from '../index/archive-digest.js';
import type { NewObject, Retained } from '../index/objects.js';
import type { ImageRecord } from '../index/records.js';
import type { TocEntry } from '../layer/toc.js';
import type { Plan } from '../plan/plan.js';
import type { StoreContext } from '../session/context.js';
import type { LayerReader } from './read-layer.js';

/** What reads an import, and where to. */
export interface Importing {
  store: StoreContext;
  reader: LayerReader;
  /** An existing directory of its own. */
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
  /** Of the bytes that it came as. */
  archiveDigests: ArchiveDigest[];
}

/** An import that is staged, hashed and validated. */
export interface Prepared {
  /** Where its documents lie, see {@link stageDocument}, and the new objects of all its layers. */
  staging: string;
  /** Key → size. */
  documents: ReadonlyMap<Key, number>;
  /** Those of its layers that were read; the others are here. */
  layers: readonly NewLayer[];
  /** What to record unless it is here. */
  image: ImageRecord;
  /** Its tree, if that can be planned already; throws if the image must not come in. Runs while the disk takes its bytes. */
  plan?: () => Plan;
  /** Takes the plan, which is not kept then. */
  onPlan?: ((plan: Plan) => void) | undefined;
}

export interface Committed {
  image: ImageRecord;
  existed: boolean;
  /** It lacked something, and is whole now. */
  restored: boolean;
  objects: Retained;
}

/** `lost`: a layer that was here when the import began was removed meanwhile. */
export type Outcome = Committed | 'lost';
