/** Opens a source: an ACI to ingest, or one OCI image and the container of its documents and layers. */
import type { Source } from '../../../workers/tasks/parts.js';
import { CairnError } from '../../core/errors.js';
import { hostPlatform, parsePlatform } from '../../image/oci/platform.js';
import type { StoreContext } from '../../session/context.js';
import type { AciSource } from '../aci.js';
import type { OciSource } from '../oci.js';
import type { ImportOptions } from '../options.js';
import { chooseImage } from './choose-image.js';
import { type Container, directoryContainer } from './container.js';
import { headOf, headOfStream, kindOfArchive, type Located } from './locate.js';
import { openArchive } from './open-archive.js';
import { chooseSingleLayer } from './single-layer.js';

export type Opened = ({ kind: 'aci' } & AciSource) | ({ kind: 'oci' } & OciSource);

export interface Named {
  /** As the caller named it. */
  source: string;
  located: Located;
  /** Of a file: its size, head and tail. */
  fingerprint: string | undefined;
}

/**
 * @param staging an existing directory for what must be unpacked first
 * @throws CairnError `ERR_NOT_AN_IMAGE`, `ERR_AMBIGUOUS_IMAGE`, `ERR_USAGE` for options that the source cannot take, …
 */
export async function openSource(
  store: StoreContext,
  { source, located, fingerprint }: Named,
  staging: string,
  options: ImportOptions,
): Promise<Opened> {
  const { limits } = store;
  if (located.kind === 'directory') {
    if (options.layer === true) throw new CairnError('ERR_USAGE', '--layer takes a single tar, not a layout');
    return oneOf(store, directoryContainer(located.path, limits), located.reference, options);
  }
  const isStream = located.kind === 'stream';
  const head = await (isStream ? headOfStream(options.signal) : headOf(located.path));
  const from: Source = isStream ? { fd: 0, head } : { path: located.path };
  if (options.layer === true) return { kind: 'oci', ...(await chooseSingleLayer(store, from, staging, options)) };
  if ((await kindOfArchive(store, head)) === 'aci') {
    return { kind: 'aci', source: from, size: isStream ? undefined : located.size, fingerprint };
  }
  const container = await openArchive(store, { name: source, source: from, head }, staging, options.signal);
  return oneOf(store, container, isStream ? undefined : located.reference, options);
}

function oneOf(
  { limits }: StoreContext,
  container: Container,
  reference: string | undefined,
  { platform: wanted }: ImportOptions,
): Opened {
  const platform = wanted === undefined ? hostPlatform(process.arch, process.platform) : parsePlatform(wanted);
  return { kind: 'oci', container, chosen: chooseImage(container, { reference, platform }, limits) };
}
