/**
 * The protocol of the engine and its workers: one type per task and per answer. Workers hold no state between tasks,
 * and decide nothing: a task has everything that it needs. Of the index they see one thing only: where objects lie in
 * packs.
 */
import type { ErrorCode, ErrorDetails } from '../../engine/core/errors.js';
import type { SkippedKind } from '../../engine/core/metadata.js';
import type {
  CloneBlobsTask,
  CloneObjectsTask,
  ClonePackTask,
  CloneResult,
  ExportBlobTask,
  ExportErofsTask,
  ExportLayerTask,
  ExportResult,
  ExportTreeTask,
  PackFilesTask,
} from './export.js';
import type {
  AppendObjectsTask,
  DecodeTask,
  DigestTarTask,
  DigestTask,
  IngestResult,
  IngestSmallTask,
  IngestTask,
  LayerResult,
  ListMembersTask,
  Members,
  PackedLayer,
  PeekTask,
  PlaceTask,
  SourceResult,
  SpoolTask,
  TarDigests,
  UnpackObjectsTask,
  WriteObjectsTask,
  WritePackTask,
} from './import.js';
import type { Skipped } from './parts.js';
import type { FinishDirectoriesTask, JoinTask, KeepFilesTask, RemoveTask, RenderResult, RenderTask } from './render.js';
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
  'ingest-small': [IngestSmallTask, Answer<IngestResult>[]];
  scan: [IngestTask, LayerResult];
  'digest-tar': [DigestTarTask, TarDigests];
  decode: [DecodeTask, SourceResult];
  'write-objects': [WriteObjectsTask, Record<string, SkippedKind[]>];
  'write-pack': [WritePackTask, null];
  'append-objects': [AppendObjectsTask, PackedLayer];
  'unpack-objects': [UnpackObjectsTask, Record<string, SkippedKind[]>];
  peek: [PeekTask, string];
  spool: [SpoolTask, SourceResult & TarDigests];
  'list-members': [ListMembersTask, Members];
  digest: [DigestTask, { sha256: string }];
  place: [PlaceTask, null];
  render: [RenderTask, RenderResult];
  'keep-files': [KeepFilesTask, null];
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
  'clone-pack': [ClonePackTask, null];
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
