/**
 * The protocol of the engine and its workers: one type per task and per answer. Workers hold no state between tasks,
 * never open the index, and decide nothing: a task has everything that it needs.
 */
import type { ErrorCode, ErrorDetails } from '../../engine/core/errors.js';
import type { SkippedKind } from '../../engine/core/metadata.js';
import type {
  CloneBlobsTask,
  CloneObjectsTask,
  CloneResult,
  ExportBlobTask,
  ExportErofsTask,
  ExportLayerTask,
  ExportResult,
  ExportTreeTask,
  PackFilesTask,
} from './export.js';
import type {
  DecodeTask,
  DigestTask,
  IngestResult,
  IngestTask,
  LayerResult,
  ListMembersTask,
  Members,
  PeekTask,
  PlaceTask,
  SourceResult,
  SpoolTask,
  WriteObjectsTask,
} from './import.js';
import type { Skipped } from './parts.js';
import type { FinishDirectoriesTask, JoinTask, RemoveTask, RenderResult, RenderTask } from './render.js';
import type { Seen } from './seen.js';
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
import type {
  Compared,
  CompareTreeTask,
  CopiedTree,
  CopyTreeTask,
  Listing,
  ListTreeTask,
  NoteTreeTask,
} from './walk.js';

export interface Tasks {
  ingest: [IngestTask, IngestResult];
  scan: [IngestTask, LayerResult];
  decode: [DecodeTask, SourceResult];
  'write-objects': [WriteObjectsTask, Record<string, SkippedKind[]>];
  peek: [PeekTask, string];
  spool: [SpoolTask, SourceResult];
  'list-members': [ListMembersTask, Members];
  digest: [DigestTask, { sha256: string }];
  place: [PlaceTask, null];
  render: [RenderTask, RenderResult];
  join: [JoinTask, null];
  'finish-directories': [FinishDirectoriesTask, { skipped: Skipped }];
  'verify-objects': [VerifyObjectsTask, VerifiedObjects];
  'verify-blobs': [VerifyBlobsTask, VerifyResult];
  'survey-objects': [SurveyObjectsTask, SurveyResult];
  'verify-tree': [VerifyTreeTask, VerifiedTree];
  'export-layer': [ExportLayerTask, ExportResult];
  'export-tree': [ExportTreeTask, ExportResult];
  'export-erofs': [ExportErofsTask, ExportResult];
  'export-blob': [ExportBlobTask, ExportResult];
  'pack-files': [PackFilesTask, ExportResult];
  'clone-blobs': [CloneBlobsTask, CloneResult];
  'clone-objects': [CloneObjectsTask, CloneResult];
  remove: [RemoveTask, null];
  'note-tree': [NoteTreeTask, Seen];
  'list-tree': [ListTreeTask, Listing];
  'compare-tree': [CompareTreeTask, Compared];
  'copy-tree': [CopyTreeTask, CopiedTree];
}

export type Task = { [K in keyof Tasks]: Tasks[K][0] }[keyof Tasks];

/** Errors cross the thread as data: structured cloning would drop their fields. */
export type Answer<T> = { value: T } | { error: ErrorDetails & { code: ErrorCode; message: string } };
