/** Reads the fields that manifests of images and of pods have in common (appc spec 0.8.11). */
import { MAX_LABELS } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import { isDate } from '../date.js';
import type { JsonField } from '../json-field.js';
import type { Label } from '../label.js';
import { labelsFault } from './names.js';

/** The last version of the appc spec. */
export const AC_VERSION = '0.8.11';

export interface Annotation {
  name: string;
  value: string;
}

export function checkKind(field: JsonField, wanted: 'ImageManifest' | 'PodManifest'): void {
  const kind = field.text();
  if (kind === '') throw field.fault('ACKind must be set');
  if (kind !== wanted) throw field.fault(`bad ACKind: ${quoted(kind)} (must be ${quoted(wanted)})`);
}

/** @returns an empty text if there is no version */
export function readVersion(field: JsonField): string {
  const version = field.text();
  if (version === '') return '';
  if (!/^\d{1,18}\.\d{1,18}\.\d{1,18}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.test(version)) {
    throw field.fault(`SemVer is bad: ${quoted(version)}`);
  }
  if (/^0+\.0+\.0+$/.test(version)) throw field.fault('SemVer cannot be zero');
  return version;
}

export function readLabels(list: JsonField): Label[] {
  const labels = list.items(MAX_LABELS).map((label) => ({
    name: label.field('name').acIdentifier(),
    value: label.field('value').text(),
  }));
  list.refuse(labelsFault(labels));
  return labels;
}

/**
 * Stricter than the reference implementation, which takes any text after the hyphen. An ID that is not hexadecimal is
 * no image's hash; a dependency on it would fail later and less clearly.
 */
export function readImageID(field: JsonField): string {
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

export function readAnnotations(list: JsonField): Annotation[] {
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
