/** An App Container Image on its way in: one archive, read once. */

import type { Source } from '../../workers/tasks/parts.js';
import { stageDocument } from '../content/document-writer.js';
import { defined } from '../core/defined.js';
import { type Key, keyOfBytes, keyOfHex } from '../core/key.js';
import { stagedObjects } from '../disk/layout.js';
import { parseImageManifest } from '../image/aci/manifest.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';
import { newLayer } from './new-layer.js';
import { checkExpected, type ImportOptions } from './options.js';
import type { Prepared } from './prepared-image.js';
import type { Absorber } from './read-layer.js';

export interface AciSource {
  source: Source;
  /** Bytes; `undefined` for a stream. */
  size: number | undefined;
  fingerprint: string | undefined;
}

/** Reads an ACI to staging and validates it. @param importTime milliseconds since 1970 */
export async function prepareAci(
  store: StoreContext,
  absorber: Absorber,
  { source, size, fingerprint }: AciSource,
  staging: string,
  options: ImportOptions & { importTime: number; onBytes: ((bytes: number) => void) | undefined },
): Promise<Prepared> {
  const absorbed = await absorber.absorb(source, size, staging, {
    signal: options.signal,
    onBytes: options.onBytes,
    format: 'aci',
    keep: options.keepArchive === true,
    newObjects: stagedObjects(staging),
    endless: options.expect !== undefined,
  });
  const key: Key = keyOfHex(absorbed.sha512);
  const digest = `sha256:${absorbed.transport.sha256}`;
  checkExpected(options.expect, [key, digest]);
  const manifest = parseImageManifest(absorbed.manifest, store.limits);
  const manifestKey = keyOfBytes(absorbed.manifest);
  stageDocument(staging, manifestKey, absorbed.manifest);
  const image: ImageRecord = {
    key,
    name: manifest.name,
    labels: manifest.labels,
    format: 'aci',
    size: absorbed.size,
    importTime: options.importTime,
    lastUsed: Date.now(),
    latest: options.latest === true,
    pinned: false,
    layers: [key],
    manifest: manifestKey,
    ...(absorbed.kept === undefined ? {} : { archives: [keyOfHex(absorbed.kept.sha512)] }),
    dependencies: manifest.dependencies,
    filters: manifest.pathWhitelist.length > 0,
  };
  const archiveDigests = [{ digest, ...defined({ fingerprint }) }];
  return {
    staging,
    documents: new Map([[manifestKey, absorbed.manifest.length]]),
    layers: [await newLayer(store.index, absorbed, staging, archiveDigests)],
    image,
  };
}
