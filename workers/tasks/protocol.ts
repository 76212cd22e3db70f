/**
 * What the engine asks of its workers: one type per task and per answer. Workers hold no state between tasks, never open the
 * index, and decide nothing: everything a task needs is in it.
 */
import type { ErrorCode, ErrorDetails } from '../../engine/core/errors.js';
import type {
  CloneBlobsTask,
  CloneObjectsTask,
  CloneResult,
  ExportBlobTask,
  ExportLayerTask,
  ExportResult,
  ExportTreeTask,
  PackFilesTask,
} from './export.js';
import type {
  AbsorbResult,
  AbsorbTask,
  DigestTask,
  LayerResult,
  ListMembersTask,
  Members,
  PeekTask,
  PlaceTask,
  PourTask,
  SourceResult,
  SpoolTask,
  StageObjectsTask,
} from './import.js';
import type { Skipped } from './parts.js';
import type { JoinTask, RemoveTask, RenderResult, RenderTask, SettleTask } from './render.js';
import type {
  SurveyObjectsTask,
  SurveyResult,
  VerifiedObjects,
  VerifiedTree,
  VerifyBlobsTask,
  VerifyObjectsTask,
  VerifyResult,
  VerifyTreeTask,
} from './verify.js';

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
  'verify-objects': [VerifyObjectsTask, VerifiedObjects];
  'verify-blobs': [VerifyBlobsTask, VerifyResult];
  'survey-objects': [SurveyObjectsTask, SurveyResult];
  'verify-tree': [VerifyTreeTask, VerifiedTree];
  'export-layer': [ExportLayerTask, ExportResult];
  'export-tree': [ExportTreeTask, ExportResult];
  'export-blob': [ExportBlobTask, ExportResult];
  'pack-files': [PackFilesTask, ExportResult];
  'clone-blobs': [CloneBlobsTask, CloneResult];
  'clone-objects': [CloneObjectsTask, CloneResult];
  remove: [RemoveTask, null];
}

export type Task = { [K in keyof Tasks]: Tasks[K][0] }[keyof Tasks];

/** Errors cross the thread as data: structured cloning would drop their fields. */
export type Answer<T> = { value: T } | { error: ErrorDetails & { code: ErrorCode; message: string } };
