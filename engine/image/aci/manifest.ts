/** Reads and checks the manifest of an ACI (appc spec 0.8.11, image manifest). */
import { type Limits, MAX_LABELS, MAX_LISTED_DEPENDENCIES } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import { isDate } from '../date.js';
import { type JsonObject, parseJson } from '../json.js';
import { JsonField } from '../json-field.js';
import type { Label } from '../label.js';
import { type App, readApp } from './app.js';
import { labelsFault } from './names.js';

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

export interface Dependency {
  imageName: string;
  /** A key or a prefix of a key, in lower case: `sha512-` and 2 to 128 hexadecimal digits. */
  imageID?: string;
  labels: Label[];
  /** Bytes of the archive. The spec does not say whether compressed or uncompressed. */
  size?: number;
}

export interface Annotation {
  name: string;
  value: string;
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
  checkKind(root.field('acKind'));
  const acVersion = readVersion(root.field('acVersion'));
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

function checkKind(field: JsonField): void {
  const kind = field.text();
  if (kind === '') throw field.fault('ACKind must be set');
  if (kind !== 'ImageManifest') throw field.fault(`bad ACKind: ${quoted(kind)}`);
}

function readVersion(field: JsonField): string {
  const version = field.text();
  if (version === '') throw field.fault('acVersion must be set');
  if (!/^\d{1,18}\.\d{1,18}\.\d{1,18}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.test(version)) {
    throw field.fault(`SemVer is bad: ${quoted(version)}`);
  }
  if (/^0+\.0+\.0+$/.test(version)) throw field.fault('SemVer cannot be zero');
  return version;
}

function readLabels(list: JsonField): Label[] {
  const labels = list.items(MAX_LABELS).map((label) => ({
    name: label.field('name').acIdentifier(),
    value: label.field('value').text(),
  }));
  list.refuse(labelsFault(labels));
  return labels;
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

/**
 * Stricter than the reference implementation, which takes any text after the hyphen. An ID that is not hexadecimal is
 * no image's hash; a dependency on it would fail later and less clearly.
 */
function readImageID(field: JsonField): string {
  const id = field.text();
  const [type, value, ...more] = id.split('-');
  if (value === undefined || more.length > 0) throw field.fault(`badly formatted hash string: ${quoted(id)}`);
  if (type === '') throw field.fault('unexpected empty hash type');
  if (type !== 'sha512') throw field.fault(`unrecognized hash type: ${quoted(type ?? '')}`);
  if (value === '') throw field.fault('unexpected empty hash value');
  if (!/^[0-9a-f]{2,128}$/i.test(value)) {
    throw field.fault(`hash value must be 2 to 128 hexadecimal digits: ${quoted(value)}`);
  }
  return id.toLowerCase();
}

function readAnnotations(list: JsonField): Annotation[] {
  const seen = new Set<string>();
  return list.items(MAX_LABELS).map((annotation) => {
    const name = annotation.field('name').acIdentifier();
    if (seen.has(name)) throw annotation.field('name').fault(`duplicate annotations of name ${quoted(name)}`);
    seen.add(name);
    const field = annotation.field('value');
    const value = field.text();
    if (name === 'created' && !isDate(value)) throw field.fault(`bad date, must be RFC 3339: ${quoted(value)}`);
    if ((name === 'homepage' || name === 'documentation') && !isWebAddress(value)) {
      throw field.fault(`bad URL, must be http or https: ${quoted(value)}`);
    }
    return { name, value };
  });
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}
