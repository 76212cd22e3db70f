/** Makes an image of the other format, which has the same tree, as docker2aci does, and the other way round. */
import type { ImageFormat } from '../../workers/tasks/import.js';
import { discard } from '../content/delete.js';
import { defined } from '../core/defined.js';
import { CairnError } from '../core/errors.js';
import { type OperationOptions, telling } from '../core/operation.js';
import { squashedManifest } from '../export/export.js';
import { writeLayout } from '../export/layout.js';
import type { Imported, ImportRequest, OpenableSource } from '../import/index.js';
import { referencesOf, shortName } from '../index/images.js';
import type { ImageName, ImageRecord } from '../index/records.js';
import { mustBeComplete } from '../resolve/completeness.js';
import { layerStackOf } from '../resolve/layer-stack.js';
import { parseNewName } from '../resolve/name.js';
import { planOf } from '../resolve/plan-image.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { sizeOfTar, treeTar } from './tree-source.js';

export interface ConvertOptions extends OperationOptions {
  /** By default the format that the image does not have. */
  format?: ImageFormat;
  /** `NAME[:VERSION]` of the new image; by default the name of the old one. */
  name?: string;
}

/**
 * An OCI image becomes one ACI with all of its tree. An ACI becomes an OCI image with one layer for each image that it
 * is made of, so that images with common dependencies have those layers in common.
 * @throws CairnError `ERR_USAGE` for an image that has the format already; as exports and imports do
 */
export async function convertImage(
  store: StoreContext,
  importing: Importing,
  image: ImageRecord,
  options: ConvertOptions,
): Promise<Imported> {
  mustWrite(store);
  const { format = image.format === 'aci' ? 'oci' : 'aci', signal, onProgress } = options;
  if (format === image.format)
    throw new CairnError('ERR_USAGE', `${image.name || image.key} is in this format already`);
  const [name] = options.name === undefined ? referencesOf(image) : [parseNewName(options.name)];
  const running = defined({ signal, onProgress });
  return store.uses.during(signal, () =>
    format === 'aci'
      ? toAci(store, importing, name === undefined ? image : { ...image, ...name }, running)
      : toOci(store, importing, { image, name }, running),
  );
}

/** How results of a conversion come in. */
export interface Importing {
  source: (source: OpenableSource, request: ImportRequest) => Promise<Imported>;
  path: (path: string, request: ImportRequest) => Promise<Imported>;
}

function toAci(
  store: StoreContext,
  { source }: Importing,
  image: ImageRecord,
  running: OperationOptions,
): Promise<Imported> {
  const stack = layerStackOf(store, image);
  mustBeComplete(store, stack);
  const { entries } = planOf(store, stack);
  const tree = treeTar(
    store,
    '',
    entries.map((entry) => ({ entry, inode: undefined })),
    squashedManifest(store, image),
  );
  const open = async () => ({ kind: 'aci', source: { tree }, size: sizeOfTar(tree), fingerprint: undefined }) as const;
  return source({ source: image.name || image.key, open }, running);
}

async function toOci(
  store: StoreContext,
  { path: importPath }: Importing,
  { image, name }: { image: ImageRecord; name: ImageName | undefined },
  running: OperationOptions,
): Promise<Imported> {
  const dir = store.staging.make();
  const heard = { signal: running.signal, onProgress: telling(running, { what: 'converting', unit: 'bytes' }) };
  try {
    mustBeComplete(store, layerStackOf(store, image));
    await store.pool.during(heard, (work) =>
      writeLayout(store, image, dir, { work, compress: undefined, docker: false, names: [], base: undefined }),
    );
    const shownAs = name === undefined ? image.key : shortName(name);
    return await importPath(dir, { ...running, shownAs, ...(name === undefined ? {} : { name: tagged(name) }) });
  } finally {
    await discard(store, [dir]);
  }
}

function tagged({ name, labels }: ImageName): string {
  const tag = labels.find((label) => label.name === 'version')?.value;
  return tag === undefined ? name : `${name}:${tag}`;
}
