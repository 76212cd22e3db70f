/** Reads and checks the manifest of an ACI (appc spec 0.8.11, image manifest). */
import { type Limits, MAX_LISTED_DEPENDENCIES } from '../../core/limits.js';
import { type JsonObject, parseJson } from '../json.js';
import { JsonField } from '../json-field.js';
import type { Label } from '../label.js';
import { type App, readApp } from './app.js';
import { type Annotation, checkKind, readAnnotations, readImageID, readLabels, readVersion } from './common-fields.js';

/** The manifest of an ACI (appc spec 0.8.11, image manifest). Absent lists are empty. */
export interface ImageManifest {
  acVersion: string;
  name: string;
  labels: Label[];
  /** In the order of the manifest; the last dependency has the highest priority. */
  dependencies: Dependency[];
  /** As written: paths may be relative and are not cleaned. */
  pathWhitelist: string[];
  app?: App;
  annotations: Annotation[];
  /** The whole document, with the fields that this version does not know. */
  raw: JsonObject;
}

export type { Annotation } from './common-fields.js';

export interface Dependency {
  imageName: string;
  /** A key or a prefix of a key, in lower case: `sha512-` and 2 to 128 hexadecimal digits. */
  imageID?: string;
  labels: Label[];
  /** Bytes of the archive. The spec does not say whether compressed or uncompressed. */
  size?: number;
}

const DOCUMENT = 'manifest';

/**
 * Reads and checks an image manifest.
 *
 * As in the reference implementation, keys match whatever their case, and unknown keys are ignored. Unknown isolators
 * are kept. Fields are checked in the order of the spec, and the first fault is reported.
 *
 * @throws CairnError `ERR_BAD_ARCHIVE` for what only a hostile document has (see `parseJson`), else `ERR_BAD_MANIFEST`;
 *   `entry` is `manifest: ` and the path to the fault such as `app.ports[0].port`, and the message says the rule
 */
export function parseImageManifest(bytes: Uint8Array, limits: Pick<Limits, 'maxManifest'>): ImageManifest {
  const root = new JsonField(DOCUMENT, parseJson(bytes, DOCUMENT, limits));
  const raw = root.object();
  checkKind(root.field('acKind'), 'ImageManifest');
  const acVersion = readVersion(root.field('acVersion'));
  if (acVersion === '') throw root.field('acVersion').fault('acVersion must be set');
  const name = root.field('name').acIdentifier();
  const labels = readLabels(root.field('labels'));
  const app = root.field('app');
  return {
    acVersion,
    name,
    labels,
    ...(app.absent ? {} : { app: readApp(app) }),
    dependencies: root.field('dependencies').items(MAX_LISTED_DEPENDENCIES).map(readDependency),
    pathWhitelist: root.field('pathWhitelist').texts(),
    annotations: readAnnotations(root.field('annotations')),
    raw,
  };
}

/**
 * The path whitelist of a manifest that an import has checked. It is not checked again: real whitelists have tens of
 * thousands of paths, and renders wait for them.
 */
export function readPathWhitelist(checked: Uint8Array): string[] {
  const raw = JSON.parse(Buffer.from(checked).toString('utf8')) as Record<string, string[] | null>;
  const key = 'pathWhitelist' in raw ? 'pathWhitelist' : Object.keys(raw).find((each) => /^pathwhitelist$/i.test(each));
  return (key === undefined ? undefined : raw[key]) ?? [];
}

function readDependency(dependency: JsonField): Dependency {
  const imageName = dependency.field('imageName');
  if (imageName.text() === '') throw imageName.fault('imageName cannot be empty');
  const imageID = dependency.field('imageID');
  const size = dependency.field('size');
  return {
    imageName: imageName.acIdentifier(),
    ...(imageID.absent ? {} : { imageID: readImageID(imageID) }),
    labels: readLabels(dependency.field('labels')),
    ...(size.absent ? {} : { size: size.integer(0, Number.MAX_SAFE_INTEGER) }),
  };
}
