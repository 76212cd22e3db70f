/** Reads the volumes of a pod (appc spec 0.8.11, pod manifest, `volumes`). */
import { MAX_ID } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import type { JsonField } from '../json-field.js';
import type { Volume } from './pod.js';

/** What `mode` is where an `empty` volume gives none. */
export const DEFAULT_VOLUME_MODE = 0o755;

/**
 * Reads a volume.
 * @throws CairnError `ERR_BAD_MANIFEST`, its `entry` ending in the path to the fault such as `volumes[0].source`
 */
export function readVolume(volume: JsonField): Volume {
  const nameField = volume.field('name');
  if (nameField.text() === '') throw nameField.fault('name must be set');
  const name = nameField.acName();
  const kind = volume.field('kind').text();
  if (kind === 'empty') return readEmpty(volume, name);
  if (kind === 'host') return readHost(volume, name);
  throw volume.field('kind').fault('unrecognized volume kind: should be one of "empty", "host"');
}

/** `recursive` says nothing of a directory that is made for the pod, and passes. */
function readEmpty(volume: JsonField, name: string): Volume {
  const source = volume.field('source');
  if (source.text() !== '') throw source.fault('source for empty volume must be empty');
  volume.field('recursive').flag();
  return {
    kind: 'empty',
    name,
    ...flagOf(volume, 'readOnly'),
    mode: readMode(volume.field('mode')),
    uid: volume.field('uid').integer(0, MAX_ID),
    gid: volume.field('gid').integer(0, MAX_ID),
  };
}

function readHost(volume: JsonField, name: string): Volume {
  const source = volume.field('source');
  if (source.text() === '') throw source.fault('source for host volume cannot be empty');
  for (const key of ['mode', 'uid', 'gid']) {
    if (!volume.field(key).absent) throw volume.field(key).fault(`${key} for host volume cannot be set`);
  }
  if (!source.text().startsWith('/')) throw source.fault('source for host volume must be absolute path');
  source.refuse(pathFault(source.text()));
  return {
    kind: 'host',
    name,
    source: source.text(),
    ...flagOf(volume, 'readOnly'),
    ...flagOf(volume, 'recursive'),
  };
}

/** A flag for which being absent means something of its own. */
function flagOf<K extends string>(volume: JsonField, key: K): Partial<Record<K, boolean>> {
  const field = volume.field(key);
  return field.absent ? {} : ({ [key]: field.flag() } as Partial<Record<K, boolean>>);
}

function readMode(field: JsonField): number {
  if (field.absent) return DEFAULT_VOLUME_MODE;
  const text = field.text();
  if (!/^0*[0-7]{1,4}$/.test(text)) throw field.fault(`mode must be octal, such as "0755": ${quoted(text)}`);
  return Number.parseInt(text, 8);
}

/**
 * Why an absolute path is none that a pod may name, or undefined if it is one. With a symbolic link before it, `..`
 * leads elsewhere for those who follow the link than for those who clean the text.
 */
export function pathFault(path: string): string | undefined {
  if (path.includes('\0')) return 'a path has no NUL';
  return path.split('/').includes('..') ? `a path of a pod must not contain "..": ${quoted(path)}` : undefined;
}
