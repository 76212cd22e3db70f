/** Imports an App Container Image: one archive, read once. */
import { defined } from '../core/defined.js';
import { type Key, keyOfBytes, keyOfHex } from '../core/key.js';
import { stagedObjects } from '../disk/layout.js';
import { parseImageManifest } from '../image/aci/manifest.js';
import type { ImageRecord } from '../index/records.js';
import { checkExpected, type ImportRequest } from './options.js';
import type { Importing, Prepared } from './prepared-image.js';
import type { SourceProgress } from './progress.js';
import type { ReadOptions, SizedSource } from './read-layer.js';

export interface AciSource extends SizedSource {
  fingerprint: string | undefined;
}

type AciRequest = ImportRequest & {
  importTime: number;
  progress: SourceProgress | undefined;
} & Pick<ReadOptions, 'onWaiting' | 'isWanted'>;

/** Reads an ACI to staging and validates it. @param importTime milliseconds since 1970 */
export async function prepareAci(
  { store, reader, staging }: Importing,
  { source, size, fingerprint }: AciSource,
  options: AciRequest,
): Promise<Prepared> {
  const { ingested, objects } = await reader.read({ source, size }, staging, {
    signal: options.signal,
    onWaiting: options.onWaiting,
    isWanted: options.isWanted,
    onRead: options.progress?.read,
    format: 'aci',
    keep: options.keepArchive === true,
    newObjects: stagedObjects(staging),
    vouched: options.expect !== undefined,
    isBare: false,
  });
  const key: Key = keyOfHex(ingested.sha512);
  const digest = `sha256:${ingested.transport.sha256}`;
  checkExpected(options.expect, [key, digest]);
  const manifest = parseImageManifest(ingested.manifest, store.limits);
  const manifestKey = keyOfBytes(ingested.manifest);
  const image: ImageRecord = {
    key,
    name: manifest.name,
    labels: manifest.labels,
    format: 'aci',
    size: ingested.size,
    importTime: options.importTime,
    lastUsed: Date.now(),
    latest: options.latest === true,
    pinned: false,
    layers: [key],
    manifest: manifestKey,
    ...(ingested.kept === undefined ? {} : { archives: [keyOfHex(ingested.kept.sha512)] }),
    dependencies: manifest.dependencies,
    filters: manifest.pathWhitelist.length > 0,
    ...defined({ signature: options.signature }),
  };
  const archiveDigests = [{ digest, ...defined({ fingerprint }) }];
  return {
    staging,
    documents: new Map([[manifestKey, ingested.manifest.length]]),
    layers: [{ key, staging, ingested, objects, archiveDigests }],
    image,
    leaveNames: options.leaveNames === true,
  };
}
