/** Exports images as exact archives, as merged trees, and as layouts and archives for other tools. */
import type { Writable } from 'node:stream';
import type { ExportResult, Output, OutputCompression } from '../../workers/tasks/export.js';
import type { Skipped } from '../../workers/tasks/parts.js';
import { deleteSmall, discard } from '../content/delete.js';
import { noteUse } from '../content/last-used.js';
import { readBlob } from '../content/read-blob.js';
import { defined } from '../core/defined.js';
import type { Key } from '../core/key.js';
import { hexOf, keyOfHex } from '../core/key.js';
import { type OperationOptions, telling } from '../core/operation.js';
import { layoutBeside } from '../disk/layout.js';
import { aciManifestFrom } from '../image/convert/oci-to-aci.js';
import { parseConfig } from '../image/oci/documents.js';
import { referencesOf } from '../index/images.js';
import type { ImageName, ImageRecord } from '../index/records.js';
import { mustBeComplete } from '../resolve/completeness.js';
import { type LayerStack, layerStackOf } from '../resolve/layer-stack.js';
import { planOf } from '../resolve/plan-image.js';
import { removedMeanwhile } from '../resolve/removed-meanwhile.js';
import type { StoreContext } from '../session/context.js';
import { destinationOf, publish, scratchIn, withOutput } from '../session/destination.js';
import type { Work } from '../session/work.js';
import { compressionByName, formatByName, isArchiveName, refuseOtherArchive } from './archive-names.js';
import { exportLayer } from './layer-bytes.js';
import { exportLayout } from './layout-output.js';
import { exportEntries, exportErofs } from './plan-bytes.js';

const STDOUT = '-';

export type ExportFormat = 'aci' | 'oci' | 'docker' | 'tar' | 'erofs';

export interface ExportOptions extends OperationOptions {
  /**
   * `aci`: an ACI's own archive, byte for byte, or an OCI image's tree as an ACI. `tar`: the merged tree. `erofs`:
   * the same as a file system to be mounted. `oci`: an image layout, a directory unless the name is an archive's.
   * `docker`: an archive for `docker load`. By default as a name that ends in `.aci` or `.erofs` says, else the image's
   * own format. A name that ends in `.gz`, `.tgz` or `.zst` is written compressed.
   */
  format?: ExportFormat;
  /** The compression of the archive, or of the layers in a layout. */
  compress?: OutputCompression;
  /** Replace a file that is there. */
  force?: boolean;
  /** With `oci` or `docker`: write one layer, which makes the image's tree out of the tree of `base`. */
  base?: ImageRecord;
}

export interface ExportRequest extends ExportOptions {
  /** Names to give the image where the format has any; all of its names by default. */
  names?: readonly ImageName[];
}

export interface Exported {
  file: string;
  /** Bytes written. */
  size: number;
  /** The key of the uncompressed tar or file system; for a layout directory, the image's. */
  key: Key;
  /** The digest of the manifest in a layout. */
  digest?: string;
  /** Whether the key, or the digest in a layout, is that of the image as it was imported. */
  original: boolean;
  /** Metadata of the tree that a file system does not hold, by kind. */
  skipped?: Skipped;
}

/**
 * @param file a path, `-` for standard output, or a stream. A file or directory appears under its name only when it is
 *   complete.
 * @throws CairnError `ERR_DAMAGED` when the store no longer gives the bytes that the image's key promises;
 * `ERR_NOT_FOUND` when the image was removed meanwhile; `ERR_UNSUPPORTED`; what {@link destinationOf} throws
 */
export async function exportImage(
  store: StoreContext,
  image: ImageRecord,
  file: string | Writable,
  options: ExportRequest = {},
): Promise<Exported> {
  const name = typeof file === 'string' ? file : STDOUT;
  refuseOtherArchive(name);
  const { format = formatByName(name) ?? image.format, base } = options;
  const own = partsOf(store, image, format);
  const others = base === undefined ? [] : layerStackOf(store, base).nodes;
  try {
    mustBeComplete(store, own);
    return await writeExport(store, image, file, { ...options, format });
  } catch (error) {
    throw removedMeanwhile(store, { nodes: [...own.nodes, ...others] }, error) ?? error;
  }
}

async function writeExport(
  store: StoreContext,
  image: ImageRecord,
  file: string | Writable,
  options: ExportRequest & { format: ExportFormat },
): Promise<Exported> {
  const { signal, format, compress, base, names = referencesOf(image) } = options;
  const name = typeof file === 'string' ? file : STDOUT;
  const asDirectory = format === 'oci' && name !== STDOUT && !isArchiveName(name);
  const target = destinationOf(store, file, asDirectory ? 'directory' : 'file', options.force === true);
  // Of a layout whose name says that it is compressed as a whole, the layers are not.
  const wholly = compressionByName(name);
  const heard = { signal, onProgress: telling(options, { what: 'exporting', unit: 'bytes' }) };
  const write = async (output: Output, scratch: string): Promise<Omit<Exported, 'file' | 'original'>> =>
    store.pool.during(heard, async (work) => {
      if (isOneFile(format)) {
        const { size, sha512, skipped } = await exportArchive(store, image, format, {
          work,
          output,
          compress: compress ?? wholly,
        });
        return { size, key: keyOfHex(sha512), ...defined({ skipped }) };
      }
      const request = { work, compress, docker: format === 'docker', names, base };
      const written = await exportLayout(store, image, request, { target, scratch, output, wholly });
      return { key: image.key, ...written };
    });
  return withOutput(target, signal, (output) =>
    store.uses.during(signal, async () => {
      // An archive that goes to a stream needs no scratch space, so it can leave a full disk.
      const isMoved = target.kind === 'file' || target.kind === 'directory';
      const scratch = isMoved ? target.scratch : isOneFile(format) ? '' : scratchIn(store);
      try {
        const made = await write(output, scratch);
        if (isMoved) await publish(target);
        void noteUse(store, image);
        return { file: name, ...made, original: isOriginal(image, format, made) };
      } finally {
        if (scratch !== '') await discard(store, [scratch, layoutBeside(scratch)], deleteSmall);
      }
    }),
  );
}

/** Whether a format is written from its beginning to its end, and needs no files of its own for that. */
function isOneFile(format: ExportFormat): format is 'aci' | 'tar' | 'erofs' {
  return format === 'aci' || format === 'tar' || format === 'erofs';
}

function isOriginal(
  image: ImageRecord,
  format: ExportFormat,
  { key, digest }: Pick<Exported, 'key' | 'digest'>,
): boolean {
  if (format === 'aci') return key === image.key;
  return digest !== undefined && (image.digests ?? []).includes(digest);
}

/** The images of an export. In its own format an image needs no others; other exports may be made of its tree. */
function partsOf(store: StoreContext, image: ImageRecord, format: ExportFormat): Pick<LayerStack, 'nodes'> {
  return format === image.format ? { nodes: [{ image, dependent: -1 }] } : layerStackOf(store, image);
}

interface ArchiveOutput {
  work: Work;
  output: Output;
  compress: OutputCompression | undefined;
}

function exportArchive(
  store: StoreContext,
  image: ImageRecord,
  format: 'aci' | 'tar' | 'erofs',
  { compress = 'none', ...where }: ArchiveOutput,
): Promise<ExportResult> {
  const to = { ...where, compress };
  if (format === 'aci' && image.format === 'aci') return exportLayer(store, image.layers[0] as Key, to);
  const plan = planOf(store, layerStackOf(store, image));
  if (format === 'erofs') return exportErofs(store, plan, to);
  if (format === 'tar') return exportEntries(store, plan.entries, to);
  return exportEntries(store, plan.entries, { ...to, manifest: squashedManifest(store, image) });
}

/** Makes the manifest of an OCI image as one ACI, from the image's configuration. */
export function squashedManifest(store: StoreContext, image: ImageRecord): Buffer {
  const config = parseConfig(readBlob(store, image.config as Key), store.limits);
  const tag = image.labels.find(({ name }) => name === 'version')?.value;
  const name = { name: image.name || `image-${hexOf(image.key).slice(0, 13)}`, ...(tag ? { tag } : {}) };
  return Buffer.from(JSON.stringify(aciManifestFrom(config, name, image.digest)));
}
