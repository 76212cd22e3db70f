/** Makes an image of a directory in one go: of a root file system, or of an ACI that is unpacked. */
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import type { ImageFormat } from '../../workers/tasks/import.js';
import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import type { OperationOptions } from '../core/operation.js';
import { telling } from '../core/operation.js';
import { manifestIn, rootfsIn } from '../disk/layout.js';
import { skeletonManifest } from '../image/aci/edit-manifest.js';
import { parseImageManifest } from '../image/aci/manifest.js';
import { appcPlatform } from '../image/convert/platform-names.js';
import { skeletonConfig } from '../image/oci/edit-config.js';
import { hostPlatform } from '../image/oci/platform.js';
import type { ImageRecord } from '../index/records.js';
import { isLayout } from '../resolve/source-path.js';
import type { StoreContext } from '../session/context.js';
import { mustBeApart } from '../session/destination.js';
import type { Difference, TreeEntry } from './difference.js';
import type { WorkingImage } from './documents.js';
import { readListing, withGroups } from './listing.js';
import { isBuild } from './place.js';
import { parseSourceDate } from './source-date.js';
import { readNote } from './state.js';
import { writeAci } from './write-aci.js';
import { writeOci } from './write-oci.js';
import type { Writing, Written } from './writing.js';

export interface FromDirectoryOptions extends OperationOptions {
  /** `NAME[:VERSION]`. An ACI that is unpacked has the name of its manifest by default. */
  name?: string;
  /** `aci` by default. */
  format?: ImageFormat;
  /** All files belong to root, whoever they belong to here. */
  ownerRoot?: boolean;
  /** Mark as the latest of its name. */
  latest?: boolean;
  /** No time is later than this: seconds since 1970, by default `SOURCE_DATE_EPOCH` of the environment. */
  sourceDate?: number;
}

/**
 * @throws CairnError `ERR_IO` naming the path, for what cannot be read and for what changes meanwhile; `ERR_NOT_FOUND`,
 *   `ERR_USAGE` for a directory that holds the store, is a layout, or needs a name; as imports do
 */
export async function importDirectory(
  store: StoreContext,
  importSource: Writing['importSource'],
  dir: string,
  options: FromDirectoryOptions = {},
): Promise<Written> {
  const begun = performance.now();
  const target = realDirectory(resolve(dir));
  const isUnpackedAci = kindOf(store, target);
  const root = isUnpackedAci ? rootfsIn(target) : target;
  const sourceDate = options.sourceDate ?? parseSourceDate(process.env['SOURCE_DATE_EPOCH']);
  return store.uses.during(options.signal, async () => {
    await store.pool.warm('list-tree');
    const working = workingFor(store, target, isUnpackedAci, options);
    const difference = await listed(store, root, options);
    const { ownerRoot: _ownerRoot, format = 'aci', ...rest } = options;
    const writing: Writing = {
      store,
      place: { dir: target, rootfs: root },
      state: { format: working.format, skipped: [], history: false },
      options: { ...rest, format, ...defined({ sourceDate }) },
      importSource,
    };
    const written =
      format === 'aci' ? await writeAci(writing, working, difference) : await writeOci(writing, working, difference);
    for (const socket of difference.sockets) store.notice(`${socket} is a socket, which no image can have`);
    return { ...written, skipped: difference.sockets, ms: Math.round(performance.now() - begun) };
  });
}

/** @throws CairnError `ERR_NOT_FOUND`, `ERR_USAGE` */
function realDirectory(dir: string): string {
  const stat = fs.statSync(dir, { throwIfNoEntry: false });
  if (stat === undefined) throw new CairnError('ERR_NOT_FOUND', `no such directory: ${dir}`, { path: dir });
  if (!stat.isDirectory())
    throw new CairnError('ERR_USAGE', `${dir} is no directory; "cairn import" takes files`, { path: dir });
  return fs.realpathSync(dir);
}

/** @returns whether it is an ACI that is unpacked */
function kindOf(store: StoreContext, dir: string): boolean {
  mustBeApart(store, dir);
  if (isBuild(dir))
    throw new CairnError('ERR_USAGE', `${dir} is a build; "cairn build write" writes it`, { path: dir });
  if (isLayout(dir))
    throw new CairnError('ERR_USAGE', `${dir} is an image layout; "cairn import" takes it`, { path: dir });
  const has = (path: string): fs.Stats | undefined => fs.lstatSync(path, { throwIfNoEntry: false });
  if (has(manifestIn(dir))?.isFile() !== true || has(rootfsIn(dir))?.isDirectory() !== true) return false;
  const other = fs.readdirSync(dir).find((name) => !['manifest', 'rootfs'].includes(name));
  if (other === undefined) return true;
  const why = `${join(dir, other)}: beside "manifest" and "rootfs" nothing may stand in an ACI that is unpacked`;
  throw new CairnError('ERR_BAD_ARCHIVE', why, { path: dir, entry: other });
}

function workingFor(
  store: StoreContext,
  dir: string,
  isUnpackedAci: boolean,
  { name, format = 'aci' }: FromDirectoryOptions,
): WorkingImage {
  if (isUnpackedAci) {
    const bytes = readNote(manifestIn(dir), store.limits.maxManifest);
    return { format: 'aci', manifest: parseImageManifest(bytes, store.limits).raw };
  }
  if (name === undefined) throw new CairnError('ERR_USAGE', 'an image of a directory needs a name: --name NAME');
  const host = hostPlatform(process.arch, process.platform);
  if (format === 'oci') return { format, config: skeletonConfig(host), annotations: {} };
  return { format, manifest: skeletonManifest(appcPlatform(host)) };
}

/** All of a directory, as what has come to a tree of nothing. */
async function listed(store: StoreContext, root: string, options: FromDirectoryOptions): Promise<Difference> {
  const onProgress = telling(options, { what: 'listing', unit: 'items' });
  const listing = await store.pool.ask('list-tree', { root }, { signal: options.signal, onProgress });
  for (const mount of listing.mounts)
    store.notice(`${join(root, mount)} is a mount, and is taken as an empty directory`);
  const after = withGroups(readListing(listing).sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1)));
  if (options.ownerRoot === true) for (const { entry } of after) Object.assign(entry, { uid: 0, gid: 0 });
  return { before: [], after, all: () => after, root: after[0] as TreeEntry, sockets: listing.sockets };
}

/** Makes an image without a name of a directory with a root file system, for a build that begins with it. */
export async function importRootfs(
  store: StoreContext,
  importSource: Writing['importSource'],
  dir: string,
  options: OperationOptions,
): Promise<ImageRecord> {
  const root = realDirectory(resolve(dir));
  mustBeApart(store, root);
  return store.uses.during(options.signal, async () => {
    const difference = await listed(store, root, options);
    const working = {
      format: 'oci',
      config: skeletonConfig(hostPlatform(process.arch, process.platform)),
      annotations: {},
    } as const;
    const writing: Writing = {
      store,
      place: { dir: root, rootfs: root },
      state: { format: 'oci', skipped: [], history: false },
      options: { ...options, format: 'oci' },
      importSource,
    };
    const { key } = await writeOci(writing, working, difference);
    return store.index.image(key) as ImageRecord;
  });
}
