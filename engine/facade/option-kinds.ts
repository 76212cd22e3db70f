/** What the options of the façade's operations may be. */
import type {
  BeginOptions,
  ConvertOptions,
  CopyOptions,
  FromDirectoryOptions,
  RunInBuildOptions,
  WriteOptions,
} from '../build/index.js';
import type { GcOptions, RemoveOptions } from '../collect/index.js';
import type { GetOptions } from '../content/index.js';
import type { OptionKinds } from '../core/check-options.js';
import { ARGUMENT_TYPES, type FindOptions, INSECURE, PULL_POLICIES, type ResolveOptions } from '../core/finding.js';
import type { OperationOptions } from '../core/operation.js';
import type { ExportOptions } from '../export/index.js';
import type { DiscoverOptions, FetchOptions, PushOptions } from '../fetch/index.js';
import type { ImportOptions } from '../import/index.js';
import type {
  CompareOptions,
  EventsOptions,
  ImageSelection,
  ReadOptions,
  StatOptions,
  TreeSelection,
} from '../inspect/index.js';
import type {
  AppRequest,
  BundleImageOptions,
  BundleOptions,
  PodGcOptions,
  PodRequest,
  PodSelection,
  PrepareOptions,
  RemovePodOptions,
  RunOptions,
} from '../pod/index.js';
import type { OpenOptions } from '../session/open.js';
import type { CheckoutOptions, CopyOutOptions, MountOptions, RenderOptions } from '../tree/index.js';
import type { CheckOptions } from '../verify/index.js';

export const OPERATION: OptionKinds<OperationOptions> = { signal: 'signal', onProgress: 'function' };

export const OPEN: OptionKinds<OpenOptions> = {
  dir: 'text',
  create: 'flag',
  layout: ['auto', 'loose', 'packs'],
  readOnly: 'flag',
  shared: 'flag',
  follow: 'flag',
  foreign: 'flag',
  verifyIndex: 'flag',
  workers: 'number',
  startWorkers: 'flag',
  limits: 'object',
  argumentType: [...ARGUMENT_TYPES],
  remote: 'text',
  onNotice: 'function',
};

const FIND: OptionKinds<FindOptions> = {
  pull: [...PULL_POLICIES],
  platform: 'text',
  insecure: { anyOf: INSECURE },
  authfile: 'text',
};

export const IMPORT: OptionKinds<ImportOptions> = {
  ...OPERATION,
  latest: 'flag',
  expect: 'text',
  jobs: 'number',
  onResult: 'function',
  keepGoing: 'flag',
  name: 'text',
  keepArchive: 'flag',
  platform: 'text',
  recursive: 'flag',
  layer: 'flag',
};

export const FETCH: OptionKinds<FetchOptions> = {
  ...OPERATION,
  ...FIND,
  jobs: 'number',
  onResult: 'function',
  keepGoing: 'flag',
  keepArchive: 'flag',
  latest: 'flag',
  name: 'text',
  expect: 'text',
  signature: 'text',
  dependencies: 'flag',
};

export const PUSH: OptionKinds<PushOptions> = { ...OPERATION, insecure: { anyOf: INSECURE }, authfile: 'text' };

export const RESOLVE: OptionKinds<ResolveOptions> = { ...OPERATION, ...FIND };

export const DISCOVER: OptionKinds<DiscoverOptions> = {
  signal: 'signal',
  insecure: { anyOf: INSECURE },
  onNotice: 'function',
};

export const SELECTION: OptionKinds<ImageSelection> = {
  names: 'texts',
  filter: 'object',
  anyOf: 'objects',
  after: 'text',
  limit: 'number',
};

export const TREES: OptionKinds<TreeSelection> = { image: 'text', after: 'text', limit: 'number' };

export const EVENTS: OptionKinds<EventsOptions> = { after: 'number', signal: 'signal' };

export const READ: OptionKinds<ReadOptions> = { start: 'number', end: 'number' };

export const STAT: OptionKinds<StatOptions> = { followLink: 'flag' };

const MODES = ['link', 'reflink', 'copy'];

export const RENDER: OptionKinds<RenderOptions> = {
  ...OPERATION,
  ...FIND,
  mode: ['mount', ...MODES],
  rebuild: 'flag',
};

export const MOUNT: OptionKinds<MountOptions> = { ...OPERATION, ...FIND, dir: 'text', rebuild: 'flag' };

export const CHECKOUT: OptionKinds<CheckoutOptions> = {
  ...OPERATION,
  ...FIND,
  mode: MODES,
  rootfsOnly: 'flag',
  force: 'flag',
  uidShift: 'number',
};

export const COPY_OUT: OptionKinds<CopyOutOptions> = { ...OPERATION, followLink: 'flag', force: 'flag' };

export const COMPARE: OptionKinds<CompareOptions> = { directoryTimes: 'flag' };

export const EXPORT: OptionKinds<ExportOptions> = {
  ...OPERATION,
  format: ['aci', 'oci', 'docker', 'tar', 'erofs'],
  compress: ['none', 'gzip', 'zstd'],
  force: 'flag',
  base: 'object',
};

export const GET: OptionKinds<GetOptions> = { ...OPERATION, force: 'flag' };

export const REMOVE: OptionKinds<RemoveOptions> = { all: 'flag', force: 'flag', signal: 'signal' };

export const GC: OptionKinds<GcOptions> = {
  ...OPERATION,
  graceMs: 'number',
  keepStorage: 'number',
  keepLast: 'number',
  images: 'flag',
  dryRun: 'flag',
};

export const CHECK: OptionKinds<Omit<CheckOptions, 'images' | 'trees'>> = {
  ...OPERATION,
  quick: 'flag',
  onlyTrees: 'flag',
};

export const FSCK: OptionKinds<OperationOptions & { repair?: boolean }> = { ...OPERATION, repair: 'flag' };

export const PREPARE: OptionKinds<PrepareOptions> = { ...OPERATION, ...FIND };

export const BUNDLE: OptionKinds<BundleOptions> = {
  ...OPERATION,
  rootfs: ['overlay', 'copy', 'reflink'],
  network: ['none', 'host'],
  terminal: 'flag',
  hostname: 'text',
  namespaces: 'text',
};

export const BUNDLE_IMAGE: OptionKinds<BundleImageOptions> = { ...BUNDLE, ...FIND, exec: 'text', args: 'texts' };

export const POD_RUN: OptionKinds<RunOptions> = {
  ...OPERATION,
  runtime: 'text',
  exec: 'text',
  args: 'texts',
  replace: 'flag',
  interactive: 'flag',
  tty: 'flag',
  net: ['none', 'host'],
  signals: 'function',
  onStart: 'function',
};

export const REMOVE_PODS: OptionKinds<RemovePodOptions> = { force: 'flag', signal: 'signal' };

export const PODS: OptionKinds<PodSelection> = { anyOf: 'objects', after: 'text', limit: 'number' };

export const POD_GC: OptionKinds<PodGcOptions> = {
  ...OPERATION,
  graceMs: 'number',
  expirePreparedMs: 'number',
  markOnly: 'flag',
  dryRun: 'flag',
};

export const POD_REQUEST: OptionKinds<PodRequest> = {
  apps: 'list',
  volumes: 'list',
  mounts: 'list',
  environment: 'object',
  ports: 'list',
  isolators: 'list',
  annotations: 'object',
  userAnnotations: 'object',
  userLabels: 'object',
};

export const APP_REQUEST: OptionKinds<AppRequest> = {
  image: 'text',
  name: 'text',
  app: 'object',
  exec: 'texts',
  args: 'texts',
  user: 'text',
  group: 'text',
  supplementaryGIDs: 'list',
  workingDirectory: 'text',
  environment: 'object',
  mounts: 'list',
  mountPoints: 'list',
  ports: 'list',
  isolators: 'list',
  readOnlyRootFS: 'flag',
  annotations: 'object',
  userAnnotations: 'object',
  userLabels: 'object',
};

const FORMATS = ['aci', 'oci'];

export const BEGIN: OptionKinds<BeginOptions> = {
  ...OPERATION,
  from: 'text',
  format: FORMATS,
  flat: 'flag',
  history: 'flag',
  ...FIND,
};

export const COPY: OptionKinds<CopyOptions> = { ...OPERATION, toDirectory: 'flag', command: 'object' };

export const RUN_IN_BUILD: OptionKinds<RunInBuildOptions> = {
  signal: 'signal',
  workingDirectory: 'text',
  runtime: 'text',
  net: ['none', 'host'],
  interactive: 'flag',
  signals: 'function',
  command: 'object',
};

/** Without the file, which may be a path or a stream. */
export const WRITE: OptionKinds<Omit<WriteOptions, 'file'>> = {
  ...OPERATION,
  name: 'text',
  as: ['layer', 'squash'],
  format: FORMATS,
  thorough: 'flag',
  compress: ['none', 'gzip', 'zstd'],
  force: 'flag',
  latest: 'flag',
  createdBy: 'text',
  comment: 'text',
  sourceDate: 'number',
};

export const FROM_DIRECTORY: OptionKinds<FromDirectoryOptions> = {
  ...OPERATION,
  name: 'text',
  format: FORMATS,
  ownerRoot: 'flag',
  latest: 'flag',
  sourceDate: 'number',
};

export const CONVERT: OptionKinds<ConvertOptions> = { ...OPERATION, format: FORMATS, name: 'text' };
