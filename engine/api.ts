/** The public surface of the package. */
export type { OutputCompression } from '../workers/tasks/export.js';
export type { ImageFormat } from '../workers/tasks/import.js';
export type { Skipped, SkippedPaths } from '../workers/tasks/parts.js';
export type { RenderMode } from '../workers/tasks/render.js';
export type {
  BeginOptions,
  Begun,
  BuildFormat,
  ConvertOptions,
  Copied,
  CopyOptions,
  Edit,
  FromDirectoryOptions,
  RunInBuildOptions,
  WriteOptions,
  Written,
} from './build/index.js';
export { DEFAULT_GRACE_MS, type GcOptions } from './collect/decide.js';
export type { Collected } from './collect/gc.js';
export type { FilesUsage, PacksUsage } from './collect/measure.js';
export type { Removed, RemoveOptions } from './collect/remove.js';
export type { RemovedBlob } from './collect/remove-blobs.js';
export type { Rewritten } from './collect/rewrite-packs.js';
export type { GetOptions, PutResult } from './content/blobs.js';
export { CairnError, ERROR_CODES, type ErrorCode, type ErrorDetails } from './core/errors.js';
export {
  ARGUMENT_TYPES,
  type ArgumentType,
  type FindOptions,
  INSECURE,
  PULL_POLICIES,
  type PullPolicy,
  type ResolveOptions,
} from './core/finding.js';
export type { Key } from './core/key.js';
export { DEFAULT_LIMITS, type Limits } from './core/limits.js';
export type { EntryType, NodeType, SkippedKind } from './core/metadata.js';
export type { OperationOptions, Progress } from './core/operation.js';
export type { Exported, ExportFormat, ExportOptions } from './export/export.js';
export type { DiscoveredName, DiscoverOptions } from './fetch/discover.js';
export type { Fetched, FetchFailure, FetchOptions, Insecure } from './fetch/options.js';
export type { Pushed, PushOptions } from './fetch/push.js';
export type { App, EnvironmentVariable, EventHandler, MountPoint, Port } from './image/aci/app.js';
export type { Annotation } from './image/aci/common-fields.js';
export type { Isolator } from './image/aci/isolators.js';
export type { Dependency, ImageManifest } from './image/aci/manifest.js';
export type {
  EmptyVolume,
  ExposedPort,
  HostVolume,
  Mount,
  PodManifest,
  RuntimeApp,
  RuntimeImage,
  Volume,
} from './image/aci/pod.js';
export { parsePodManifest } from './image/aci/pod-manifest.js';
export { podManifestFrom } from './image/aci/write-pod.js';
export type { AddEdit, RemoveEdit, ReplaceEdit, SetEdit } from './image/edit.js';
export type { JsonObject, JsonValue } from './image/json.js';
export type { Label } from './image/label.js';
export type { HistoryEntry, OciConfig, RunConfig } from './image/oci/config.js';
export type { Platform } from './image/oci/descriptor.js';
export type { Imported, ImportFailure, ImportOptions } from './import/import.js';
export type { ArchiveDigest } from './index/archive-digest.js';
export type { StoreEvent } from './index/events.js';
export type {
  BlobRef,
  EventRecord,
  ImageName,
  ImageRecord,
  LayerRecord,
  LeaseRecord,
  PodAppRecord,
  StoreEventKind,
  TreeImage,
  TreeMode,
  TreeRecord,
  VerifiedSignature,
} from './index/records.js';
export type { ToldSignature } from './index/signature.js';
export type { CompareOptions, Difference } from './inspect/compare.js';
export type { Counts } from './inspect/counts.js';
export type { DamagedImage } from './inspect/damaged.js';
export type { FileRecord, ReadOptions, StatOptions } from './inspect/files.js';
export type { ImageFilter } from './inspect/filter.js';
export type { EventsOptions, MissedEvents, ToldEvent } from './inspect/follow-events.js';
export type { HistoryStep } from './inspect/history.js';
export type { ImageDetails, ImageSummary } from './inspect/image.js';
export type { StoreInfo } from './inspect/info.js';
export type { TreeSelection } from './inspect/list.js';
export type { ImageSelection } from './inspect/select.js';
export type { ImageShare } from './inspect/shares.js';
export type { ImageUsage, StoredBytes, Usage } from './inspect/usage.js';
export type { Offer, OfferedTree } from './offer/offer.js';
export type { ByteRange, OfferedBlob } from './offer/offered-blob.js';
export type { OfferedManifest } from './offer/offered-image.js';
export type { Referrer } from './offer/referrers.js';
export type { AskedRepository } from './offer/repositories.js';
export type { Bundle, BundleImageOptions, BundleOptions, HeldBundle } from './pod/bundle/options.js';
export type { Overlay, RootfsKind } from './pod/bundle/rootfs.js';
export type { PodGcOptions } from './pod/collect-pods.js';
export type { PodFilter, PodSelection } from './pod/filter-pods.js';
export { type FromBundle, type Notice, requestFromBundle } from './pod/from-bundle.js';
export type { PrepareOptions } from './pod/prepare.js';
export type { ImageSays, PreparedApp, PreparedPod } from './pod/prepared.js';
export type { RemovePodOptions } from './pod/remove.js';
export type { AppRequest, PodRequest } from './pod/request.js';
export type { PodEnd, RunOptions, SignalSource } from './pod/run/options.js';
export type { PodDetails, ShownApp } from './pod/show.js';
export type { PodState, PodSummary } from './pod/states.js';
export type { BackedUp } from './recover/backup.js';
export type { Filled } from './recover/fill-index.js';
export { type Lost, type Rebuilt, rebuildIndex } from './recover/rebuild-index.js';
export { type Repacked, type RepackOptions, repackStore } from './recover/repack.js';
export type { PathInImage } from './resolve/path-in-image.js';
export { type ServeOptions, type Server, serve } from './serve/index.js';
export type { LayoutChoice } from './session/choose-layout.js';
export type { ObjectLayout } from './session/format.js';
export type { ModeState, Modes } from './session/modes.js';
export type { OpenOptions } from './session/open.js';
export { openStore, type Store } from './store.js';
export type { CheckedOut, CheckoutOptions } from './tree/checkout.js';
export type { CopiedOut, CopyOutOptions } from './tree/copy-out.js';
export type { TreeMount } from './tree/mounts.js';
export type { Mounted, MountOptions, Rendered, RenderOptions } from './tree/options.js';
export type { CheckResult } from './verify/check.js';
export type { CheckOptions } from './verify/check-scope.js';
export type { Damage } from './verify/damage.js';
export type { FsckResult, Mended, Missing } from './verify/fsck.js';
