/** Opens a source: an ACI to ingest, or OCI images and the container of their documents and layers. */
import type { Source } from '../../../workers/tasks/parts.js';
import { CairnError } from '../../core/errors.js';
import { hostPlatform, parsePlatform } from '../../image/oci/platform.js';
import type { StoreContext } from '../../session/context.js';
import type { AciSource } from '../aci.js';
import type { ImportRequest } from '../options.js';
import { type ChosenImage, chooseImages } from './choose-image.js';
import { type Container, directoryContainer } from './container.js';
import { beginsAsAci, headOfStream, type Located } from './locate.js';
import { openArchive } from './open-archive.js';
import { chooseSingleLayer } from './single-layer.js';

export type Opened = ({ kind: 'aci' } & AciSource) | { kind: 'oci'; container: Container; images: ChosenImage[] };

/** Opens a source. @param staging an existing directory for what must be unpacked first */
export type OpenSource = (staging: string) => Promise<Opened>;

/** A source that somebody else opens, such as an image of a registry. */
export interface OpenableSource {
  /** The name for users. */
  source: string;
  open: OpenSource;
}

export interface Named {
  /** As the caller named it. */
  source: string;
  located: Located;
}

/**
 * @param staging an existing directory for what must be unpacked first
 * @throws CairnError `ERR_NOT_AN_IMAGE`, `ERR_AMBIGUOUS_KEY`, `ERR_USAGE` for options that the source cannot take, …
 */
export async function openSource(
  store: StoreContext,
  { source, located }: Named,
  staging: string,
  options: ImportRequest,
): Promise<Opened> {
  const { limits } = store;
  if (located.kind === 'directory') {
    if (options.layer === true) throw new CairnError('ERR_USAGE', '--layer takes a single tar, not a layout');
    return imagesOf(store, directoryContainer(located.path, limits), located.reference, options);
  }
  const file = located.kind === 'file' ? located : undefined;
  const head = file?.head ?? (await headOfStream(options.signal));
  const from: Source = file === undefined ? { fd: 0, head } : { path: file.path };
  if (options.layer === true) {
    const { container, chosen } = await chooseSingleLayer(store, from, staging, options);
    return { kind: 'oci', container, images: [chosen] };
  }
  if (await beginsAsAci(store, head))
    return { kind: 'aci', source: from, size: file?.size, fingerprint: file?.fingerprint };
  const container = await openArchive(
    store,
    { name: file === undefined || options.shownAs !== undefined ? source : file.path, source: from, head },
    staging,
    options.signal,
  );
  refuseOther(container);
  return imagesOf(store, container, file?.reference, options);
}

/** @throws CairnError `ERR_NOT_AN_IMAGE` for an archive that holds no image in any form */
function refuseOther(container: Container): void {
  const { path } = container;
  if (DOCUMENTS.some((name) => container.has(name))) return;
  const isMaybeAci = container.has('manifest');
  const why = isMaybeAci
    ? 'only "manifest" and "rootfs" may stand at the top of an ACI'
    : 'has no manifest.json, no index.json and no ACI\'s manifest; if it is a root file system, "cairn import --layer" takes it';
  const code = isMaybeAci ? 'ERR_BAD_ARCHIVE' : 'ERR_NOT_AN_IMAGE';
  throw new CairnError(code, `${path}: ${why}`, { path });
}

const DOCUMENTS = ['oci-layout', 'index.json', 'manifest.json'];

async function imagesOf(
  { limits }: StoreContext,
  container: Container,
  reference: string | undefined,
  { platform: wanted, recursive = false, leaveNames = false }: ImportRequest,
): Promise<Opened> {
  const platform = wanted === undefined ? hostPlatform(process.arch, process.platform) : parsePlatform(wanted);
  const choice = { reference, platform, isPlatformAsked: wanted !== undefined, all: recursive, isLook: leaveNames };
  return { kind: 'oci', container, images: await chooseImages(container, choice, limits) };
}
