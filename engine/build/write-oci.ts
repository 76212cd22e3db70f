/** Writes a build as an OCI image, to the store or to a file. */
import { join } from 'node:path';
import type { ExportResult } from '../../workers/tasks/export.js';
import type { TreeTar } from '../../workers/tasks/parts.js';
import { deleteSmall, discard } from '../content/delete.js';
import { readBlob } from '../content/read-blob.js';
import { CairnError } from '../core/errors.js';
import { digestOf, type Key, keyOfBytes } from '../core/key.js';
import { layoutBeside } from '../disk/layout.js';
import { compressionByName, isArchiveName, refuseOtherArchive } from '../export/archive-names.js';
import { exportLayer, type LayerOutput } from '../export/layer-bytes.js';
import type { MadeImage } from '../export/layout.js';
import { exportLayout } from '../export/layout-output.js';
import { labelMap } from '../image/label.js';
import { OCI_CONFIG, OCI_LAYER, parseConfig, parseDocument } from '../image/oci/documents.js';
import { writeManifest } from '../image/oci/write-manifest.js';
import type { OpenableSource } from '../import/index.js';
import type { ImageName } from '../index/records.js';
import { parseNewName } from '../resolve/name.js';
import type { StoreContext } from '../session/context.js';
import { destinationOf, publish, scratchIn, withOutput } from '../session/destination.js';
import type { Difference } from './difference.js';
import type { WorkingImage } from './documents.js';
import { baseDiffIds, configOf, type OciParts, ociPartsOf } from './oci-parts.js';
import { importRequest, NO_OBJECTS, type Writing, type WrittenImage } from './writing.js';

export async function writeOci(writing: Writing, working: WorkingImage, difference: Difference): Promise<WrittenImage> {
  const parts = ociPartsOf(writing, working, difference);
  return writing.options.file === undefined ? toStore(writing, parts) : toFile(writing, parts);
}

async function toStore(writing: Writing, parts: OciParts): Promise<WrittenImage> {
  const { store, options, place } = writing;
  const { name } = options;
  const source: OpenableSource = { source: name ?? place.dir, open: (staging) => openParts(writing, parts, staging) };
  const request = { ...importRequest(writing), ...(name === undefined ? {} : { name }) };
  const imported = await writing.importSource(source, request);
  const { key, labels, size, digest, objects, existed } = imported;
  if (existed) tellOtherAnnotations(store, key, parts.working.annotations);
  const { changed, removed } = parts;
  const told = { key, name: imported.name, labels, format: 'oci', size, objects, existed, changed, removed } as const;
  return digest === undefined ? told : { ...told, digest };
}

/** An image is known by its configuration, and keeps the manifest that it came with. */
function tellOtherAnnotations(store: StoreContext, key: Key, wanted: Record<string, string>): void {
  const image = store.index.image(key);
  const document = image === undefined ? undefined : parseDocument(readBlob(store, image.manifest), store.limits);
  if (document?.kind !== 'manifest' || sameTexts(document.annotations, wanted)) return;
  store.notice('an image of this configuration was here already, and keeps the annotations that it came with');
}

function sameTexts(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

const LAYER = 'layer.tar';

/** Packs the layer first: the configuration, by which the store knows the image, needs its digest. */
async function openParts(writing: Writing, parts: OciParts, staging: string): ReturnType<OpenableSource['open']> {
  const { store, options } = writing;
  const path = join(staging, LAYER);
  const packed = parts.tree === undefined ? undefined : await packLayer(writing, parts.tree, path);
  const below = baseDiffIds(store, parts);
  const diffIds = packed === undefined ? below : [...below, `sha256:${packed.diffId}`];
  const config = configOf(writing, parts, diffIds);
  const sizes = [...(parts.base?.layers ?? []).map((key) => store.index.layer(key)?.size ?? 0), packed?.size ?? 0];
  const manifest = writeManifest(
    { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
    diffIds.map((digest, i) => ({ mediaType: OCI_LAYER, digest, size: sizes[i] as number })),
    parts.working.annotations,
  );
  return {
    kind: 'oci',
    container: {
      path: options.name ?? writing.place.dir,
      has: (member) => member === LAYER,
      read: async (member) => {
        throw new CairnError('ERR_NOT_FOUND', `no ${member}`);
      },
      blob: (member) => {
        if (member === LAYER && packed !== undefined) return { source: { path }, size: packed.size };
        throw new CairnError('ERR_NOT_FOUND', `a layer of the image that the build began with is gone: ${member}`);
      },
    },
    images: [
      {
        manifest: { bytes: manifest, digest: digestOf(manifest) },
        config: { bytes: config, digest: digestOf(config), parsed: parseConfig(config, store.limits) },
        layers: diffIds.map((diffId, i) => ({ member: i < below.length ? diffId : LAYER, diffId })),
        references: [],
      },
    ],
  };
}

function packLayer({ store, options }: Writing, tree: TreeTar, path: string): Promise<ExportResult> {
  const task = { ...tree, output: { path }, compress: 'none', digests: true } as const;
  return store.pool.ask('export-tree', task, { signal: options.signal });
}

async function toFile(writing: Writing, parts: OciParts): Promise<WrittenImage> {
  const { store, options } = writing;
  const { file = '-', signal, compress, force = false } = options;
  const shown = typeof file === 'string' ? file : '-';
  refuseOtherArchive(shown);
  const kind = shown === '-' || isArchiveName(shown) ? 'file' : 'directory';
  const target = destinationOf(store, file, kind, force);
  const [name] = namesOf(options.name);
  let config: Buffer = Buffer.alloc(0);
  const made: MadeImage = {
    layers: [
      ...(parts.base?.layers ?? []).map((key) => (to: LayerOutput) => exportLayer(store, key, to)),
      ...(parts.tree === undefined ? [] : [writeTree(parts.tree)]),
    ],
    configOf: (diffIds) => {
      config = configOf(writing, parts, diffIds);
      return config;
    },
    annotations: parts.working.annotations,
  };
  const isMoved = target.kind === 'file' || target.kind === 'directory';
  const scratch = isMoved ? target.scratch : scratchIn(store);
  try {
    const written = await withOutput(target, signal, (output) =>
      store.pool.during({ signal }, (work) =>
        exportLayout(
          store,
          made,
          { work, compress, docker: false, names: [name], base: undefined },
          { target, scratch, output, wholly: compressionByName(shown) },
        ),
      ),
    );
    if (isMoved) await publish(target);
    const { digest, size } = written;
    const key: Key = keyOfBytes(config);
    const objects = NO_OBJECTS;
    const labels = labelMap(name.labels);
    const { changed, removed } = parts;
    return {
      key,
      name: name.name,
      labels,
      format: 'oci',
      size,
      digest,
      objects,
      existed: false,
      file: shown,
      changed,
      removed,
    };
  } finally {
    await discard(store, [scratch, layoutBeside(scratch)], deleteSmall);
  }
}

/** The name in a layout; without one only the tag that everybody expects. */
function namesOf(name: string | undefined): [ImageName] {
  return name === undefined ? [{ name: '', labels: [{ name: 'version', value: 'latest' }] }] : [parseNewName(name)];
}

function writeTree(tree: TreeTar): (to: LayerOutput) => Promise<ExportResult> {
  return ({ work, ...to }) => work.ask('export-tree', { ...tree, ...to });
}
