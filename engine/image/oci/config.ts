/** Reads the configuration of an OCI image (OCI image spec, image configuration). */
import { type Limits, MAX_DESCRIPTORS, MAX_LABELS } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import { isDate } from '../date.js';
import { type JsonObject, parseJson } from '../json.js';
import { JsonField } from '../json-field.js';
import { readDigest } from './descriptor.js';

/** The configuration of an image; Docker's has the same fields. Absent lists are empty. */
export interface OciConfig {
  /** Both are empty where some tools leave out what the spec requires. The image's platform is unknown then. */
  os: string;
  architecture: string;
  variant?: string;
  /** RFC 3339. */
  created?: string;
  author?: string;
  /** The digest of each layer's uncompressed archive, the lowest layer first. */
  diffIds: string[];
  history: HistoryEntry[];
  config: RunConfig;
  /** The whole document, with the fields that this version does not know. */
  raw: JsonObject;
}

/** One step of the build of an image. */
export interface HistoryEntry {
  created?: string;
  createdBy?: string;
  comment?: string;
  /** Whether the step made no layer. */
  emptyLayer: boolean;
}

/** How an image is run. Absent texts are empty. */
export interface RunConfig {
  /** `user` or `user:group`, by name or by number. */
  user: string;
  /** `NAME=value`, unchecked. */
  env: string[];
  entrypoint: string[];
  cmd: string[];
  workingDir: string;
  /** `80`, `80/tcp`; unchecked. */
  exposedPorts: string[];
  /** Paths, unchecked. */
  volumes: string[];
  labels: Record<string, string>;
}

const DOCUMENT = 'image config';

/**
 * Reads and checks the configuration of an image. A null is the same as a missing field.
 *
 * @throws CairnError `ERR_BAD_ARCHIVE` for what only a hostile document has (see `parseJson`), `ERR_UNSUPPORTED` for
 *   digests that are not SHA-256, else `ERR_BAD_MANIFEST`; `entry` is `image config: ` and the path to the fault such
 *   as `rootfs.diff_ids[0]`
 */
export function parseConfig(bytes: Uint8Array, limits: Pick<Limits, 'maxManifest'>): OciConfig {
  const root = new JsonField(DOCUMENT, parseJson(bytes, DOCUMENT, limits));
  const raw = root.object();
  return {
    os: root.exactField('os').text(),
    architecture: root.exactField('architecture').text(),
    ...optional('variant', root.exactField('variant').text()),
    ...optional('created', readDate(root.exactField('created'))),
    ...optional('author', root.exactField('author').text()),
    diffIds: readDiffIds(root.exactField('rootfs')),
    history: root.exactField('history').items(MAX_DESCRIPTORS).map(readHistoryEntry),
    config: readRunConfig(root.exactField('config').orEmpty()),
    raw,
  };
}

function optional<Key extends string>(key: Key, text: string): { [key in Key]?: string } {
  return (text === '' ? {} : { [key]: text }) as { [key in Key]?: string };
}

function readDate(field: JsonField): string {
  const date = field.text();
  if (date !== '' && !isDate(date)) throw field.fault(`bad date, must be RFC 3339: ${quoted(date)}`);
  return date;
}

function readDiffIds(rootfs: JsonField): string[] {
  const type = rootfs.exactField('type');
  if (type.text() !== 'layers') throw type.fault(`rootfs.type must be "layers", not ${quoted(type.text())}`);
  return rootfs.exactField('diff_ids').items(MAX_DESCRIPTORS).map(readDigest);
}

function readHistoryEntry(entry: JsonField): HistoryEntry {
  return {
    ...optional('created', readDate(entry.exactField('created'))),
    ...optional('createdBy', entry.exactField('created_by').text()),
    ...optional('comment', entry.exactField('comment').text()),
    emptyLayer: entry.exactField('empty_layer').flag(),
  };
}

function readRunConfig(config: JsonField): RunConfig {
  return {
    user: config.exactField('User').text(),
    env: config.exactField('Env').texts(),
    entrypoint: config.exactField('Entrypoint').texts(),
    cmd: config.exactField('Cmd').texts(),
    workingDir: config.exactField('WorkingDir').text(),
    exposedPorts: readKeys(config.exactField('ExposedPorts')),
    volumes: readKeys(config.exactField('Volumes')),
    labels: config.exactField('Labels').textMap(MAX_LABELS),
  };
}

/** A set as Go programs write it: an object whose values mean nothing. */
function readKeys(set: JsonField): string[] {
  return Object.keys(set.orEmpty().object()).sort();
}
