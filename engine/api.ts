/** The public surface of the package. */

export { type Collected, DEFAULT_GRACE_MS, type GcOptions } from './collect/gc.js';
export type { Removed, RemoveOptions } from './collect/remove.js';
export type { PutResult } from './content/blobs.js';
export { CairnError, ERROR_CODES, type ErrorCode, type ErrorDetails } from './core/errors.js';
export type { Key } from './core/key.js';
export { DEFAULT_LIMITS, type Limits } from './core/limits.js';
export type { OperationOptions, Progress } from './core/operation.js';
export type { Exported, ExportFormat, ExportOptions } from './export/export.js';
export type { Imported, ImportFailure, ImportOptions } from './import/import.js';
export type { ImageRecord, LeaseRecord, TreeRecord } from './index/records.js';
export type { Difference } from './inspect/compare.js';
export type { FileRecord } from './inspect/files.js';
export type { ImageDetails, ImageSummary } from './inspect/image.js';
export type { ImageUsage, Usage } from './inspect/usage.js';
export type { BackedUp } from './recover/backup.js';
export { type Lost, type Rebuilt, rebuildIndex } from './recover/rebuild-index.js';
export type { OpenOptions } from './session/open.js';
export { openStore, type Store } from './store.js';
export type { CheckedOut, CheckoutOptions } from './tree/checkout.js';
export type { Rendered, RenderOptions } from './tree/options.js';
export type { CheckResult, Damage } from './verify/check.js';
export type { CheckOptions } from './verify/check-scope.js';
export type { FsckResult, Mended, Missing } from './verify/fsck.js';
