/** The working documents of a build: a manifest, or a configuration with annotations. */

import type { ImageFormat } from '../../workers/tasks/import.js';
import { CairnError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { limitFlag } from '../core/limits.js';
import { writeFileDurably } from '../disk/durable.js';
import { editManifest } from '../image/aci/edit-manifest.js';
import { type ImageManifest, parseImageManifest } from '../image/aci/manifest.js';
import type { Edit } from '../image/edit.js';
import { type JsonObject, parseJson } from '../image/json.js';
import { JsonField } from '../image/json-field.js';
import { type OciConfig, parseConfig } from '../image/oci/documents.js';
import { editImage } from '../image/oci/edit-config.js';
import type { BuildPlace } from './place.js';
import { readNote } from './state.js';

/** What a build says of its image so far. */
export type WorkingImage = WorkingAci | WorkingOci;

export interface WorkingAci {
  format: 'aci';
  manifest: JsonObject;
}

export interface WorkingOci {
  format: 'oci';
  config: JsonObject;
  annotations: Record<string, string>;
}

type Limit = Pick<Limits, 'maxManifest'>;

/** @throws CairnError `ERR_BAD_BUILD`, and as the readers of manifests and configurations do */
export function readWorking(place: BuildPlace, format: ImageFormat, limits: Limit): WorkingImage {
  const path = place.document(format);
  const bytes = readNote(path, limits.maxManifest);
  if (format === 'aci') return { format, manifest: parseImageManifest(bytes, limits).raw };
  const root = new JsonField('image.json', parseJson(bytes, 'image.json', limits));
  const config = root.exactField('config').object();
  const working = { format, config, annotations: root.exactField('annotations').textMap() };
  checkConfig(config, limits);
  return working;
}

/** Changes the documents by edits, all or none. @throws as edits and readers do */
export function editWorking(working: WorkingImage, edits: readonly Edit[], limits: Limit): WorkingImage {
  if (working.format === 'aci') {
    let { manifest } = working;
    for (const edit of edits) {
      manifest = editManifest(manifest, edit);
      // An edit that breaks a rule is the one to be told of.
      checkManifest(manifest, limits);
    }
    return { format: 'aci', manifest };
  }
  let image = { config: working.config, annotations: working.annotations };
  for (const edit of edits) {
    image = editImage(image, edit);
    checkConfig(image.config, limits);
  }
  return { format: 'oci', ...image };
}

export function writeWorking(place: BuildPlace, working: WorkingImage, limits: Limit): void {
  const bytes = encodeWorking(working);
  if (bytes.length > limits.maxManifest) {
    const why = `${bytes.length} bytes, more than the ${limits.maxManifest} that ${limitFlag('maxManifest')} allows`;
    throw new CairnError('ERR_LIMIT', why, { path: place.document(working.format) });
  }
  writeFileDurably(place.document(working.format), bytes, 0o644);
}

export function encodeWorking(working: WorkingImage): Buffer {
  if (working.format === 'aci') return encodeDocument(working.manifest);
  return encodeDocument({ config: working.config, annotations: working.annotations });
}

export function encodeDocument(document: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(document));
}

export function checkManifest(manifest: JsonObject, limits: Limit): ImageManifest {
  return parseImageManifest(encodeDocument(manifest), limits);
}

export function checkConfig(config: JsonObject, limits: Limit): OciConfig {
  return parseConfig(encodeDocument(config), limits);
}
