/** What the options of the façade's operations may be. */
import type { GcOptions, RemoveOptions } from '../collect/index.js';
import type { GetOptions } from '../content/index.js';
import type { OptionKinds } from '../core/check-options.js';
import { ARGUMENT_TYPES, type FindOptions, INSECURE, PULL_POLICIES, type ResolveOptions } from '../core/finding.js';
import type { OperationOptions } from '../core/operation.js';
import type { ExportOptions } from '../export/index.js';
import type { DiscoverOptions, FetchOptions, PushOptions } from '../fetch/index.js';
import type { ImportOptions } from '../import/index.js';
import type { CompareOptions, ImageSelection } from '../inspect/index.js';
import type { OpenOptions } from '../session/open.js';
import type { CheckoutOptions, CopyOutOptions, RenderOptions } from '../tree/index.js';
import type { CheckOptions } from '../verify/index.js';

export const OPERATION: OptionKinds<OperationOptions> = { signal: 'signal', onProgress: 'function' };

export const OPEN: OptionKinds<OpenOptions> = {
  dir: 'text',
  create: 'flag',
  readOnly: 'flag',
  shared: 'flag',
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

export const SELECTION: OptionKinds<ImageSelection> = { names: 'texts', filter: 'object' };

const MODES = ['link', 'reflink', 'copy'];

export const RENDER: OptionKinds<RenderOptions> = { ...OPERATION, ...FIND, mode: MODES, rebuild: 'flag' };

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
  format: ['aci', 'oci', 'docker', 'tar'],
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
